// What the preparation of a Backup looks at (backup_preparation.h), read from the cluster.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "model/backup.h"
#include "server/backup_preparation.h"
#include "server/cluster.h"

namespace lateen::server {

Result<BackupSurroundings> read_surroundings(const model::Backup& backup,
                                             const Cluster& cluster,
                                             std::stop_token stop);

}  // namespace lateen::server
