#include "server/context.h"

#include "base/encoding.h"
#include "model/locations.h"
#include "objects/location.h"

namespace lateen::server {
namespace {

Result<Secret> read_secret(const ServerContext& context,
                           const model::SecretKeySelector& selector,
                           std::stop_token stop) {
  const Json secret = TRY(
      context.client()
          .get({.gvr = {"", "v1", "secrets"}, .ns = context.cluster.ns(), .name = selector.name},
               {}, stop)
          .wrap("reading Secret {}/{}", context.cluster.ns(), selector.name));
  const Json* value = find(find(secret, "data"), JsonKey{selector.key});
  if (value == nullptr) {
    return Error(Code::NotFound, "Secret {}/{} has no key {}", context.cluster.ns(), selector.name,
                 selector.key);
  }
  return Secret(
      TRY(base64_decode(as_text(value))
              .wrap("key {} of Secret {}/{}", selector.key, context.cluster.ns(), selector.name)));
}

}  // namespace

Result<std::unique_ptr<objects::BackupStore>> open_store(
    const ServerContext& context,
    const model::BackupStorageLocation& location,
    std::stop_token stop) {
  objects::LocationSecrets secrets;
  if (location.spec.credential) {
    secrets.credential = TRY(read_secret(context, *location.spec.credential, stop));
  }
  if (location.spec.object_storage && location.spec.object_storage->ca_cert_ref) {
    secrets.ca_pem =
        TRY(read_secret(context, *location.spec.object_storage->ca_cert_ref, stop)).reveal();
  }
  return objects::open_location(context.stores, location, std::move(secrets));
}

Result<std::unique_ptr<objects::BackupStore>> open_store(const ServerContext& context,
                                                         std::string_view location,
                                                         std::stop_token stop) {
  const auto found = TRY(context.cluster.get<model::BackupStorageLocation>(location, stop)
                             .wrap("backup storage location {}", location));
  return open_store(context, found, stop);
}

Result<std::unique_ptr<objects::BackupStore>> open_available_store(const ServerContext& context,
                                                                   std::string_view location,
                                                                   Access access,
                                                                   std::stop_token stop) {
  const auto found = TRY(context.cluster.get<model::BackupStorageLocation>(location, stop)
                             .wrap("backup storage location {}", location));
  if (found.status.phase == model::LocationPhase::Unavailable) {
    return Error(Code::Unavailable, "backup storage location {} is unavailable: {}", location,
                 found.status.message);
  }
  if (access == Access::Write && found.spec.is_read_only()) {
    return Error(Code::Forbidden, "backup storage location {} is in read-only mode", location);
  }
  return open_store(context, found, stop);
}

volumes::SnapshotLocations snapshot_locations(const ServerContext& context, const Log& log) {
  return volumes::SnapshotLocations(
      [&context, log](const std::string& name,
                      std::stop_token stop) -> Result<std::unique_ptr<volumes::VolumeSnapshotter>> {
        const auto location = TRY(context.cluster.get<model::VolumeSnapshotLocation>(name, stop));
        volumes::SnapshotterOptions options{
            .provider = location.spec.provider, .config = location.spec.config, .log = log};
        if (location.spec.credential) {
          options.credential = TRY(read_secret(context, *location.spec.credential, stop));
        }
        return context.snapshotters.open(options);
      });
}

}  // namespace lateen::server
