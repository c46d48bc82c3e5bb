// How a persistent volume is saved, and why: one pure function, so that a plan, the run, the
// coverage report and the tests agree.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "model/backup_spec.h"
#include "model/resource_policy.h"

namespace lateen::volumes {

enum class VolumeMethod { None, CsiSnapshot, NativeSnapshot, FileSystem };

// "CSI snapshot", …; "not saved".
std::string_view to_string(VolumeMethod method);

struct VolumeDecision {
  VolumeMethod method = VolumeMethod::None;
  std::string reason;  // of None: as in volumeinfo's skippedReason; of the others: why this one

  bool operator==(const VolumeDecision&) const = default;
};

// What is known of a claimed volume.
struct VolumeSituation {
  const Json* volume = nullptr;  // the PersistentVolume; null while the claim is not bound
  const Json* claim = nullptr;   // null for a volume without claim
  // Some pod that mounts it has it chosen for file-system backup, by annotation or by default.
  bool chosen_for_file_system = false;
};

// Velero's order: a volume policy that matches decides; then the choice for file-system backup;
// then spec.snapshotVolumes. A snapshot is a CSI one if the volume is a CSI volume, else the native
// snapshotter's.
VolumeDecision decide(const VolumeSituation& situation,
                      const model::BackupSpec& spec,
                      const model::ResourcePolicy* policy);

// The names of a pod's volumes chosen for file-system backup, by the pod's annotations and
// spec.defaultVolumesToFsBackup; a policy's word about a volume is not in it.
std::vector<std::string> file_system_volumes(const Json& pod, const model::BackupSpec& spec);

}  // namespace lateen::volumes
