// Snapshots of volumes that are not taken through CSI: the last action on a PersistentVolume asks
// the backup's VolumeSnapshotLocations, and the first whose storage the volume is in takes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/item_action.h"
#include "backup/volume_tracker.h"
#include "base/thread.h"
#include "kube/client.h"
#include "model/backup.h"
#include "model/native_snapshot.h"
#include "model/resource_policy.h"
#include "volumes/snapshot_locations.h"

namespace lateen::backup {

class Rehearsal;

// Told after each snapshot of all there are by then: whoever can keeps the list where it survives
// us, since only it says what a backup that is lost has left in the storage.
using NativeSnapshotRecorder = std::function<Status(const std::vector<model::NativeSnapshot>&)>;

// When a record was begun of which nothing more is known; nothing for one that has ended.
std::optional<TimePoint> begun_at(const model::NativeSnapshot& snapshot);

// The tags by which find_snapshots() knows what came of it.
model::StringMap tags_of(const model::NativeSnapshot& snapshot);

// The native snapshots of one backup. Thread-safe.
class NativeSnapshots {
 public:
  explicit NativeSnapshots(NativeSnapshotRecorder record) : record_(std::move(record)) {}

  // Before the storage is asked: the record is without an id and in phase New. If we die now,
  // find_snapshots() of its location tells what came of it.
  Status begin(model::NativeSnapshot snapshot, TimePoint now);

  // What came of it, in the place of what was begun for its volume. What cannot be recorded is no
  // reason to lose the snapshot: it is told.
  Status end(model::NativeSnapshot snapshot);

  // By volume.
  std::vector<model::NativeSnapshot> all() const;

 private:
  Status put(model::NativeSnapshot snapshot);

  const NativeSnapshotRecorder record_;
  Mutex recording_;  // one after the other: the last record must be the longest
  mutable Mutex mu_;
  std::vector<model::NativeSnapshot> all_ LATEEN_GUARDED_BY(mu_);
};

// All of it outlives the action.
struct NativeActionTools {
  kube::Client& client;
  const model::Backup& backup;
  const Clock& clock;
  const std::optional<model::ResourcePolicy>& policy;
  VolumeTracker& volumes;
  NativeSnapshots& snapshots;
  volumes::SnapshotLocations* locations;  // null: there are none
  Rehearsal* rehearsal = nullptr;         // null: for real
};

// Whose storage a volume is in.
struct NativeTaker {
  std::string location;
  volumes::VolumeSnapshotter* snapshotter;
  std::string volume_id;
};

// The first of the backup's locations that knows the volume; nothing if none does. One that cannot
// be asked is an error in the log, and the next one is. `locations` may be null.
Result<std::optional<NativeTaker>> find_native_taker(const Json& volume,
                                                     const model::Backup& backup,
                                                     volumes::SnapshotLocations* locations,
                                                     const Log& log,
                                                     std::stop_token stop);

std::unique_ptr<ItemAction> make_native_snapshot_action(const NativeActionTools& tools);

// What a snapshot of the backup's volume is to be tagged with, in Velero's words.
model::StringMap snapshot_tags(const model::Backup& backup, std::string_view volume);

}  // namespace lateen::backup
