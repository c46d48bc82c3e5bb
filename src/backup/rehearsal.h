// A backup that is only tried: everything is listed, filtered and decided as in a real one, but no
// hook runs, no snapshot is taken and no file is copied. What would have been done is noted here.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/thread.h"
#include "model/pod_hooks.h"
#include "volumes/decision.h"

namespace lateen::backup {

// How one volume would be saved.
struct PlannedVolume {
  std::string ns;      // of its claim, or of the pod
  std::string claim;   // "" if it has none
  std::string volume;  // the PersistentVolume, or the pod's name for it
  std::string pod;     // whose volume is copied as files; "" for a snapshot
  volumes::VolumeMethod method = volumes::VolumeMethod::None;
  std::string reason;
  std::string with = {};  // the VolumeSnapshotClass or VolumeSnapshotLocations

  bool operator==(const PlannedVolume&) const = default;
};

// A hook that would run.
struct PlannedHook {
  std::string ns;
  std::string pod;
  model::HookPhase phase = model::HookPhase::Pre;
  model::PodHook hook;

  bool operator==(const PlannedHook&) const = default;
};

// Thread-safe.
class Rehearsal {
 public:
  void add(PlannedVolume volume);
  void add(PlannedHook hook);

  // By namespace, claim and volume.
  std::vector<PlannedVolume> volumes() const;

  // By namespace and pod; within one in the order in which they would run.
  std::vector<PlannedHook> hooks() const;

 private:
  mutable Mutex mu_;
  std::vector<PlannedVolume> volumes_ LATEEN_GUARDED_BY(mu_);
  std::vector<PlannedHook> hooks_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::backup
