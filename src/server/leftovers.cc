#include "server/leftovers.h"

#include <fmt/ranges.h>

#include "backup/native_snapshot_action.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/csi_snapshot.h"

namespace lateen::server {
namespace {

// Of one that was begun and of which nothing more is known, what the storage has of it.
Result<std::vector<std::string>> ids_of(const model::NativeSnapshot& snapshot,
                                        volumes::SnapshotLocations& locations,
                                        std::stop_token stop) {
  const std::string& id = snapshot.status.provider_snapshot_id;
  if (!id.empty()) return std::vector<std::string>{id};
  const auto begun = backup::begun_at(snapshot);
  if (!begun) return std::vector<std::string>();
  volumes::VolumeSnapshotter* snapshotter = TRY(locations.of(snapshot.spec.location, stop));
  return snapshotter->find_snapshots(snapshot.spec.provider_volume_id, backup::tags_of(snapshot),
                                     *begun, stop);
}

}  // namespace

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

Status SnapshotJournal::note(const std::vector<model::NativeSnapshot>& all, std::stop_token stop) {
  all_ = all;
  return store_.put_volume_snapshots(backup_, all, std::move(stop));
}

model::StringList delete_native_snapshots(const std::vector<model::NativeSnapshot>& snapshots,
                                          const ServerContext& context,
                                          const Log& log,
                                          std::stop_token stop) {
  model::StringList errors;
  volumes::SnapshotLocations locations = snapshot_locations(context, log);
  for (const model::NativeSnapshot& snapshot : snapshots) {
    const Status deleted = [&]() -> Status {
      for (const std::string& id : TRY(ids_of(snapshot, locations, stop))) {
        volumes::VolumeSnapshotter* snapshotter = TRY(locations.of(snapshot.spec.location, stop));
        TRY(snapshotter->delete_snapshot(id, stop).wrap("snapshot {}", id));
        log.info("Deleted native snapshot", {{"snapshotID", id}});
      }
      return {};
    }();
    if (!deleted) {
      errors.push_back(fmt::format("error deleting snapshots of volume {}: {}",
                                   snapshot.spec.persistent_volume_name,
                                   deleted.error().describe()));
    }
  }
  return errors;
}

Status remove_unfinished(const std::string& backup,
                         objects::BackupStore& store,
                         const ServerContext& context,
                         const Log& log,
                         std::stop_token stop) {
  auto noted = store.get_volume_snapshots(backup, stop);
  if (!noted && !noted.error().is(Code::NotFound)) return std::move(noted).error();
  // A complete backup's snapshots are not left over.
  if (noted && !noted->empty() && !TRY(store.backup_exists(backup, stop))) {
    const model::StringList errors = delete_native_snapshots(*noted, context, log, stop);
    if (!errors.empty()) {
      return Error(Code::Conflict, "an unfinished backup of this name left snapshots: {}",
                   fmt::format("{}", fmt::join(errors, "; ")));
    }
  }
  return store.remove_unfinished(backup, stop);
}

}  // namespace lateen::server
