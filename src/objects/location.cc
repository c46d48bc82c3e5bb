#include "objects/location.h"

#include "base/encoding.h"
#include "base/text.h"
#include "model/spec_validation.h"

namespace lateen::objects {

Result<StoreOptions> store_options(const model::BackupStorageLocation& location,
                                   LocationSecrets secrets) {
  const model::StringList faults = model::validate(location.spec);
  if (!faults.empty() || !location.spec.object_storage) {
    return Error(Code::InvalidArgument, "backup storage location {}: {}", location.metadata.name,
                 join(faults, "; "));
  }
  const model::ObjectStorageLocation& storage = *location.spec.object_storage;
  std::string ca_pem = std::move(secrets.ca_pem);
  if (ca_pem.empty() && !storage.ca_cert.empty()) {
    ca_pem = TRY(
        base64_decode(storage.ca_cert)
            .wrap("backup storage location {}: spec.objectStorage.caCert", location.metadata.name));
  }
  // Ours, and a plugin refuses keys that it does not know.
  model::StringMap config = location.spec.config;
  config.erase(std::string(kResourceTarballs));
  return StoreOptions{.provider = location.spec.provider,
                      .bucket = storage.bucket,
                      .prefix = storage.prefix,
                      .config = std::move(config),
                      .ca_pem = std::move(ca_pem),
                      .credential = std::move(secrets.credential),
                      .customer_key = std::move(secrets.customer_key)};
}

Result<std::unique_ptr<BackupStore>> open_location(const StoreFactory& factory,
                                                   const model::BackupStorageLocation& location,
                                                   LocationSecrets secrets) {
  const StoreOptions options = TRY(store_options(location, std::move(secrets)));
  std::unique_ptr<ObjectStore> store =
      TRY(factory.open(options).wrap("backup storage location {}", location.metadata.name));
  return std::make_unique<BackupStore>(std::move(store), options.prefix);
}

}  // namespace lateen::objects
