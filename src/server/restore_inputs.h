// What a restore is told besides its own object: by the server's flags and by the backup's
// documents.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/volume_info.h"
#include "objects/backup_store.h"
#include "restore/api_versions.h"
#include "restore/plan.h"
#include "server/context.h"

namespace lateen::server {

// --restore-resource-priorities; Velero's order when it is not given.
restore::ResourcePriorities priorities_of(const ServerConfig& config);

// With --features=EnableAPIGroupVersions as Velero chooses them, and with what ConfigMap
// enableapigroupversions says.
Result<restore::VersionPreferences> version_preferences(const ServerContext& context,
                                                        std::stop_token stop);

// What became of the backup's volumes. Backups of Velero before 1.14 have no document that says it:
// then from those that tell of single methods.
Result<std::vector<model::BackupVolumeInfo>> volume_infos_of(objects::BackupStore& store,
                                                             const std::string& backup,
                                                             std::stop_token stop);

}  // namespace lateen::server
