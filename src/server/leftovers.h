// What a backup that came to nothing leaves in the cluster, and how it goes.
#pragma once

#include <stop_token>

#include "model/backup.h"
#include "server/context.h"

namespace lateen::server {

// Deletes the VolumeSnapshots that carry the backup's label, and with them the storage's snapshots.
// Only for a backup of which nothing is in its bucket: these snapshots are all of its data. Best
// effort: what cannot be deleted is told in the log.
void discard_snapshots(const model::Backup& backup,
                       const ServerContext& context,
                       const Log& log,
                       std::stop_token stop);

}  // namespace lateen::server
