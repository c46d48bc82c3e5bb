#include "server/leftovers.h"

#include "kube/object.h"
#include "model/names.h"
#include "volumes/csi_snapshot.h"

namespace lateen::server {

void discard_snapshots(const model::Backup& backup,
                       const ServerContext& context,
                       const Log& log,
                       std::stop_token stop) {
  const std::string selector =
      fmt::format("{}={}", model::labels::kBackupName, model::valid_name(backup.metadata.name));
  const auto snapshots =
      context.client().list({.gvr = volumes::kVolumeSnapshots}, {.label_selector = selector}, stop);
  if (!snapshots) {
    if (snapshots.error().is(Code::NotFound)) return;  // a cluster without CSI snapshots
    log.warning("Could not list a lost backup's snapshots", {{"error", snapshots.error()}});
    return;
  }
  const JsonArray* items = array_at(*snapshots, "items");
  if (items == nullptr) return;
  for (const Json& snapshot : *items) {
    // One that a restore made carries the label of the backup that it came from.
    if (kube::has_label(snapshot, model::labels::kRestoreName)) continue;
    const Status discarded = volumes::discard_snapshot(
        context.client(), kube::namespace_of(snapshot), kube::name_of(snapshot), stop);
    if (!discarded) {
      log.warning("Could not remove a lost backup's snapshot",
                  {{"volumesnapshot", kube::object_key(snapshot)}, {"error", discarded.error()}});
    }
  }
}

}  // namespace lateen::server
