// The snapshots that a backup has in repositories of volumes' files.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "model/backup.h"
#include "server/context.h"

namespace lateen::model {
struct DataUpload;
struct PodVolumeBackup;
}  // namespace lateen::model

namespace lateen::server {

// One volume of a backup, and where its files are.
struct VolumeSnapshot {
  std::string type;              // of the repository
  std::string volume_namespace;  // of the repository
  std::string snapshot_id;
  std::string pod;     // of a PodVolumeBackup
  std::string volume;  // its name in the pod
  std::string claim;   // empty: the volume is of none
  bool moved = false;  // by the data mover

  bool operator==(const VolumeSnapshot&) const = default;
};

VolumeSnapshot snapshot_of(const model::PodVolumeBackup& copy);
VolumeSnapshot snapshot_of(const model::DataUpload& upload);

// From the bucket's documents, and from the cluster's PodVolumeBackups of a backup that never got
// that far.
Result<std::vector<VolumeSnapshot>> volume_snapshots_of(const model::Backup& backup,
                                                        objects::BackupStore& store,
                                                        const ServerContext& context,
                                                        std::stop_token stop);

// Forgets these in the repositories of a location; what is not there is fine. Gives what could not
// be forgotten, and why.
model::StringList forget_snapshots(const std::vector<VolumeSnapshot>& snapshots,
                                   const std::string& location,
                                   const ServerContext& context,
                                   const Log& log,
                                   std::stop_token stop);

// Forgets all of a backup's; the space comes back with maintenance.
model::StringList forget_volume_snapshots(const model::Backup& backup,
                                          objects::BackupStore& store,
                                          const ServerContext& context,
                                          const Log& log,
                                          std::stop_token stop);

}  // namespace lateen::server
