#include "server/volume_repositories.h"

#include <array>

#include "base/encoding.h"
#include "base/text.h"
#include "model/locations.h"

namespace lateen::server {
namespace {

constexpr std::size_t kKeyBytes = 32;

kube::ObjectPath secret_path(const ServerContext& context) {
  return {.gvr = {"", "v1", "secrets"},
          .ns = context.cluster.ns(),
          .name = std::string(volumes::kRepositorySecret)};
}

Result<std::unique_ptr<volumes::VolumeRepository>> open(
    const ServerContext& context,
    const RepositoryPlace& place,
    const model::BackupStorageLocation& location,
    bool create,
    std::stop_token stop) {
  const Secret key = TRY(repository_key(context, stop));
  const std::string prefix = TRY(open_bucket(context, location, stop)).prefix;
  return volumes::VolumeRepository::open(
      [&context, &location, stop]() -> Result<std::unique_ptr<objects::ObjectStore>> {
        return std::move(TRY(open_bucket(context, location, stop)).store);
      },
      {.type = place.type,
       .ns = place.volume_namespace,
       .prefix = prefix,
       .key = key,
       .create = create,
       .cache_dir = place.cache_dir},
      stop);
}

Result<model::BackupStorageLocation> location_of(const ServerContext& context,
                                                 const RepositoryPlace& place,
                                                 std::stop_token stop) {
  return context.cluster.get<model::BackupStorageLocation>(place.location, std::move(stop))
      .wrap("backup storage location {}", place.location);
}

}  // namespace

Status ensure_repository_key(const ServerContext& context, std::stop_token stop) {
  auto there = context.client().get(secret_path(context), {}, stop);
  if (there) return {};
  if (!there.error().is(Code::NotFound))
    return std::move(there).error().wrap("reading Secret {}", volumes::kRepositorySecret);
  std::array<std::byte, kKeyBytes> random = {};
  context.rng.fill(random);
  const std::string key =
      base64url_encode({reinterpret_cast<const char*>(random.data()), random.size()});
  const Json secret = JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       JsonObject{{"name", volumes::kRepositorySecret}, {"namespace", context.cluster.ns()}}},
      {"type", "Opaque"},
      {"data", JsonObject{{volumes::kRepositorySecretKey, base64_encode(key)}}}};
  auto made = context.client().create({.gvr = {"", "v1", "secrets"}, .ns = context.cluster.ns()},
                                      secret, {}, stop);
  if (!made && made.error().is(Code::AlreadyExists)) return {};
  if (!made) return std::move(made).error().wrap("creating Secret {}", volumes::kRepositorySecret);
  context.log.warning(
      "Made a new key for repositories of volumes' files. Keep a copy outside of this cluster: "
      "without it, nobody can read them",
      {{"secret", fmt::format("{}/{}", context.cluster.ns(), volumes::kRepositorySecret)}});
  return {};
}

Result<Secret> repository_key(const ServerContext& context, std::stop_token stop) {
  auto secret = context.client().get(secret_path(context), {}, std::move(stop));
  if (!secret && secret.error().is(Code::NotFound)) {
    // Not NotFound, which would say that there is no repository.
    return Error(Code::Unauthenticated,
                 "Secret {}/{}, which holds the repositories' key, is not there",
                 context.cluster.ns(), volumes::kRepositorySecret)
        .with_hint(
            "The server makes a new one when it starts; repositories that are there need "
            "the one that they were made with.");
  }
  if (!secret) return std::move(secret).error().wrap("reading the repositories' key");
  const std::string_view encoded =
      string_at(*secret, fmt::format("data.{}", volumes::kRepositorySecretKey));
  if (encoded.empty()) {
    return Error(Code::Unauthenticated, "Secret {}/{} has no key {}", context.cluster.ns(),
                 volumes::kRepositorySecret, volumes::kRepositorySecretKey);
  }
  const Bytes key = TRY(base64_decode(encoded).wrap("Secret {}", volumes::kRepositorySecret));
  return Secret(std::string(trim(key)));
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
