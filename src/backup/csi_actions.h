// The built-in actions of CSI volumes: a claim's volume is snapshotted, and the objects that
// describe the snapshot go into the backup with what a restore needs to know.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "backup/item_action.h"
#include "backup/volume_tracker.h"
#include "kube/client.h"
#include "model/backup.h"
#include "model/resource_policy.h"
#include "volumes/snapshot_locations.h"

namespace lateen::backup {

class Rehearsal;

inline constexpr std::string_view kSnapshotAction = "velero.io/csi-volumesnapshot-backupper";

// All of it outlives the actions.
struct CsiActionTools {
  kube::Client& client;
  const model::Backup& backup;
  const Clock& clock;
  const std::optional<model::ResourcePolicy>& policy;
  VolumeTracker& volumes;
  // For volumes that CSI cannot snapshot here, and to mark those that it does; null: there are
  // none.
  volumes::SnapshotLocations* locations = nullptr;
  bool can_copy_files = false;     // somebody does file-system backups
  Rehearsal* rehearsal = nullptr;  // null: for real
  // The cluster can snapshot several volumes in one instant (VolumeGroupSnapshot), which we cannot
  // ask for: people who label claims for it are told.
  bool serves_group_snapshots = false;
};

// velero.io/csi-pvc-backupper: decides how the claim's volume is saved, and takes the snapshot.
std::unique_ptr<ItemAction> make_csi_claim_action(const CsiActionTools& tools);

// velero.io/csi-volumesnapshot-backupper: brings class and content along, and starts the operation
// that ends when the snapshot is ready to use.
std::unique_ptr<ItemAction> make_csi_snapshot_action(const CsiActionTools& tools);

// velero.io/csi-volumesnapshotcontent-backupper and …class-backupper: the secrets that they name.
std::unique_ptr<ItemAction> make_csi_content_action(std::string backup_name);
std::unique_ptr<ItemAction> make_csi_class_action();

// What a stored VolumeSnapshot tells a restore, from its content; and the label by which a stored
// content is known as this backup's. Finalizing does the same to what it stores again.
void annotate_snapshot(Json& snapshot, const Json& content, std::string_view backup_name);
void label_content(Json& content, std::string_view backup_name);

}  // namespace lateen::backup
