// `lateen location check`: whether a location's bucket is set up as backups want it.
#pragma once

#include "cli/command.h"
#include "cli/session.h"
#include "model/locations.h"
#include "objects/store_factory.h"

namespace lateen::cli {

// Exit codes beside 0 (all set) and 1 (an error).
inline constexpr int kMissing = 2;
inline constexpr int kUnseen = 3;  // nothing is missing of what could be looked at

// What the server would open the bucket with: the location's Secrets, where it names any.
// Unsupported for a provider that is not S3.
Result<objects::StoreOptions> bucket_options(const model::BackupStorageLocation& location,
                                             const Session& session,
                                             std::stop_token stop);

// Also below `backup-location`.
Command location_check_command();

}  // namespace lateen::cli
