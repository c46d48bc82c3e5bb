#include "server/volume_repositories.h"

#include "model/locations.h"
#include "objects/limited_store.h"
#include "server/repository_keys.h"

namespace lateen::server {
namespace {

Result<std::unique_ptr<volumes::VolumeRepository>> open(
    const ServerContext& context,
    const RepositoryPlace& place,
    const model::BackupStorageLocation& location,
    bool create,
    std::stop_token stop) {
  const RepositoryKeys keys = TRY(create ? ensure_location_key(context, location, stop)
                                         : read_repository_keys(context, stop));
  const std::string prefix = TRY(open_bucket(context, location, stop)).prefix;
  return volumes::VolumeRepository::open(
      [&context, &location, &place, stop]() -> Result<std::unique_ptr<objects::ObjectStore>> {
        auto bucket = TRY(open_bucket(context, location, stop));
        return objects::make_limited(std::move(bucket.store), {.download = place.read_rate});
      },
      {.type = place.type,
       .ns = place.volume_namespace,
       .prefix = prefix,
       .key = keys.of(location.metadata.name),
       .other_keys = keys.others(location.metadata.name),
       .create = create,
       .cache_dir = place.cache_dir,
       .cache_limit = place.cache_limit,
       .limits = place.limits},
      stop);
}

Result<model::BackupStorageLocation> location_of(const ServerContext& context,
                                                 const RepositoryPlace& place,
                                                 std::stop_token stop) {
  return context.cluster.get<model::BackupStorageLocation>(place.location, std::move(stop))
      .wrap("backup storage location {}", place.location);
}

}  // namespace

RepositoryPlace place_of(const model::BackupRepository& repository) {
  RepositoryPlace place{.location = repository.spec.backup_storage_location,
                        .volume_namespace = repository.spec.volume_namespace};
  // Those of Velero before 1.10 are restic's, and do not say so.
  place.type = repository.spec.repository_type.empty() ? std::string(volumes::kRestic)
                                                       : repository.spec.repository_type;
  return place;
}

Result<std::unique_ptr<volumes::VolumeRepository>> open_volume_repository(
    const ServerContext& context, const RepositoryPlace& place, std::stop_token stop) {
  const auto location = TRY(location_of(context, place, stop));
  return open(context, place, location, false, stop);
}

Result<std::unique_ptr<volumes::VolumeRepository>> open_or_create_volume_repository(
    const ServerContext& context, const RepositoryPlace& place, std::stop_token stop) {
  const auto location = TRY(location_of(context, place, stop));
  return open(context, place, location, !location.spec.is_read_only(), stop);
}

std::string restic_identifier(const model::BackupStorageLocation& location, std::string_view ns) {
  const auto& config = location.spec.config;
  const auto of = [&config](const char* key) {
    const auto found = config.find(key);
    return found == config.end() ? std::string() : found->second;
  };
  if (const std::string own = of("resticRepoPrefix"); !own.empty())
    return fmt::format("{}/{}", own, ns);
  const std::string_view provider = location.spec.provider;
  if (!location.spec.object_storage || (provider != "aws" && provider != "velero.io/aws"))
    return {};
  std::string endpoint = of("s3Url");
  while (endpoint.ends_with('/'))
    endpoint.pop_back();
  if (endpoint.empty()) endpoint = fmt::format("s3-{}.amazonaws.com", of("region"));
  return fmt::format(
      "s3:{}/{}/{}", endpoint, location.spec.object_storage->bucket,
      volumes::repository_prefix(location.spec.object_storage->prefix, volumes::kRestic, ns));
}

}  // namespace lateen::server
