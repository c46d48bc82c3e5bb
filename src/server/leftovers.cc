#include "server/leftovers.h"

#include <fmt/ranges.h>

#include "backup/native_snapshot_action.h"
#include "kube/object.h"
#include "model/data_movement.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/pod_volumes.h"
#include "server/volume_snapshots.h"
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

// All of a backup's, ended: those at work are told to.
template <typename T>
Result<std::vector<T>> end_all(const model::Backup& backup,
                               const ServerContext& context,
                               Deadline patience,
                               std::stop_token stop) {
  auto all = context.cluster.list<T>(
      fmt::format("{}={}", model::labels::kBackupUid, backup.metadata.uid), stop);
  if (!all && all.error().is(Code::NotFound)) return std::vector<T>();  // a kind not served here
  if (!all) return std::move(all).error();
  std::size_t at_work = 0;
  for (const T& one : *all) {
    if (model::is_terminal(one.status.phase.value())) continue;
    ++at_work;
    if (one.spec.cancel) continue;
    auto asked =
        context.cluster.modify<T>(one.metadata.name, [](T& now) { now.spec.cancel = true; }, stop);
    if (!asked && !asked.error().is(Code::NotFound)) return std::move(asked).error();
  }
  if (at_work == 0 || patience.expired()) return all;
  return Error(Code::Unavailable, "{} of its {} have not ended yet", at_work, T::kKind.plural);
}

}  // namespace

model::StringList discard_snapshots(const model::Backup& backup,
                                    const ServerContext& context,
                                    std::stop_token stop) {
  const std::string selector =
      fmt::format("{}={}", model::labels::kBackupName, model::valid_name(backup.metadata.name));
  const auto snapshots =
      context.client().list({.gvr = volumes::kVolumeSnapshots}, {.label_selector = selector}, stop);
  if (!snapshots) {
    if (snapshots.error().is(Code::NotFound)) return {};  // a cluster without CSI snapshots
    return {fmt::format("listing its VolumeSnapshots: {}", snapshots.error().message())};
  }
  model::StringList errors;
  const JsonArray* items = array_at(*snapshots, "items");
  if (items == nullptr) return errors;
  for (const Json& snapshot : *items) {
    // One that a restore made carries the label of the backup that it came from.
    if (kube::has_label(snapshot, model::labels::kRestoreName)) continue;
    const Status discarded = volumes::discard_snapshot(
        context.client(), kube::namespace_of(snapshot), kube::name_of(snapshot), stop);
    if (!discarded) {
      errors.push_back(fmt::format("VolumeSnapshot {}: {}", kube::object_key(snapshot),
                                   discarded.error().message()));
    }
  }
  return errors;
}

Status remove_copies(const model::Backup& backup,
                     const ServerContext& context,
                     const Log& log,
                     Deadline patience,
                     std::stop_token stop) {
  std::vector<VolumeSnapshot> snapshots;
  const auto copies = TRY(end_all<model::PodVolumeBackup>(backup, context, patience, stop));
  const auto uploads = TRY(end_all<model::DataUpload>(backup, context, patience, stop));
  for (const model::PodVolumeBackup& copy : copies)
    snapshots.push_back(snapshot_of(copy));
  for (const model::DataUpload& upload : uploads)
    snapshots.push_back(snapshot_of(upload));
  const model::StringList errors =
      forget_snapshots(std::move(snapshots), backup.spec.storage_location, context, log, stop);
  if (!errors.empty()) return Error(Code::Unavailable, "{}", fmt::join(errors, "; "));
  for (const model::PodVolumeBackup& copy : copies)
    TRY(context.cluster.remove<model::PodVolumeBackup>(copy.metadata.name, stop));
  for (const model::DataUpload& upload : uploads)
    TRY(context.cluster.remove<model::DataUpload>(upload.metadata.name, stop));
  return {};
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
