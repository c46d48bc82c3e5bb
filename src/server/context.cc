#include "server/context.h"

#include "base/encoding.h"
#include "base/text.h"
#include "model/locations.h"
#include "objects/location.h"
#include "server/server_plugins.h"

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

// The key of SSE-C, where the config names a Secret for it as "name/key".
Result<Secret> read_customer_key(const ServerContext& context,
                                 const model::BackupStorageLocation& location,
                                 std::stop_token stop) {
  constexpr const char* kConfigKey = "customerKeyEncryptionSecret";
  const auto found = location.spec.config.find(kConfigKey);
  if (found == location.spec.config.end() || found->second.empty()) return Secret();
  const std::vector<std::string_view> parts = split(found->second, '/');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return Error(Code::InvalidArgument,
                 "invalid secret reference format: {}, expected secretName/key", found->second);
  }
  return read_secret(context, {.name = std::string(parts[0]), .key = std::string(parts[1])}, stop);
}

Result<objects::LocationSecrets> read_secrets(const ServerContext& context,
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
  secrets.customer_key = TRY(read_customer_key(context, location, stop));
  return secrets;
}

// With the provider that is to open it: built in, or a plugin's.
Result<model::BackupStorageLocation> with_chosen_provider(
    const ServerContext& context, const model::BackupStorageLocation& location) {
  model::BackupStorageLocation chosen = location;
  if (context.plugins == nullptr) return chosen;
  chosen.spec.provider = TRY(context.plugins->provider_of(
      plugins::PluginKind::ObjectStore, location.spec.provider, location.metadata.annotations));
  return chosen;
}

}  // namespace

Result<std::unique_ptr<objects::BackupStore>> open_store(
    const ServerContext& context,
    const model::BackupStorageLocation& location,
    std::stop_token stop) {
  objects::LocationSecrets secrets = TRY(read_secrets(context, location, std::move(stop)));
  const model::BackupStorageLocation chosen = TRY(with_chosen_provider(context, location));
  return objects::open_location(context.stores, chosen, std::move(secrets));
}

Result<LocationBucket> open_bucket(const ServerContext& context,
                                   const model::BackupStorageLocation& location,
                                   std::stop_token stop) {
  objects::LocationSecrets secrets = TRY(read_secrets(context, location, std::move(stop)));
  const model::BackupStorageLocation chosen = TRY(with_chosen_provider(context, location));
  const objects::StoreOptions options = TRY(objects::store_options(chosen, std::move(secrets)));
  auto store =
      TRY(context.stores.open(options).wrap("backup storage location {}", location.metadata.name));
  return LocationBucket{.store = std::move(store), .prefix = options.prefix};
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
  return volumes::SnapshotLocations([&context, log](const std::string& name, std::stop_token stop)
                                        -> Result<std::unique_ptr<volumes::VolumeSnapshotter>> {
    const auto location = TRY(context.cluster.get<model::VolumeSnapshotLocation>(name, stop));
    volumes::SnapshotterOptions options{
        .provider = location.spec.provider, .config = location.spec.config, .log = log};
    if (location.spec.credential) {
      options.credential = TRY(read_secret(context, *location.spec.credential, stop));
    }
    if (context.plugins != nullptr) {
      options.provider = TRY(context.plugins->provider_of(
          plugins::PluginKind::VolumeSnapshotter, options.provider, location.metadata.annotations));
    }
    return context.snapshotters.open(options);
  });
}

}  // namespace lateen::server
