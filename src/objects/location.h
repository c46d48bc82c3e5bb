// From a BackupStorageLocation to its open BackupStore.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "model/locations.h"
#include "objects/backup_store.h"
#include "objects/store_factory.h"

namespace lateen::objects {

// The key of a location's config that asks for each backup's objects once more, to be browsed.
inline constexpr std::string_view kResourceTarballs = "resourceTarballs";

// The contents of the Secrets that a location names, read by the caller (this room knows no
// cluster).
struct LocationSecrets {
  Secret credential = {};    // spec.credential
  std::string ca_pem = {};   // spec.objectStorage.caCertRef
  Secret customer_key = {};  // spec.config.customerKeyEncryptionSecret
};

// InvalidArgument names the location and the field at fault.
Result<StoreOptions> store_options(const model::BackupStorageLocation& location,
                                   LocationSecrets secrets);

Result<std::unique_ptr<BackupStore>> open_location(const StoreFactory& factory,
                                                   const model::BackupStorageLocation& location,
                                                   LocationSecrets secrets);

}  // namespace lateen::objects
