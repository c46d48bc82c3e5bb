// Whether the snapshots that a backup names are there: CSI's, native ones, and those in
// repositories of volumes' files. Nothing is restored; the cluster is left as it was.
#pragma once

#include <stop_token>

#include "assurance/verify.h"
#include "base/result.h"
#include "model/backup.h"
#include "objects/backup_store.h"
#include "server/context.h"

namespace lateen::server {

struct SnapshotCheckOptions {
  bool read_data = false;  // every byte of the repositories that hold the backup's volumes
};

// Adds to the verdict. An Error only when the cluster or the bucket cannot be asked. A CSI snapshot
// is asked for by a VolumeSnapshotContent of its handle that is made for the question and removed
// again (it retains the snapshot): what a restore would begin with.
Status check_snapshots(const model::Backup& backup,
                       objects::BackupStore& store,
                       const ServerContext& context,
                       const SnapshotCheckOptions& options,
                       assurance::BackupVerdict& verdict,
                       std::stop_token stop);

}  // namespace lateen::server
