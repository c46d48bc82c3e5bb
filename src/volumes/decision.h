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

// One of a pod's volumes, when it is asked whether its files are to be copied.
struct PodVolumeSituation {
  const Json* pod = nullptr;                // never null
  const Json* volume = nullptr;             // never null: an entry of the pod's spec.volumes
  const Json* claim = nullptr;              // null: it is of no claim, or the claim is not there
  const Json* persistent_volume = nullptr;  // that the claim is bound to, if any
  // The backup leaves out PersistentVolumeClaims, and with them what is in them.
  bool claims_excluded = false;
};

enum class PodVolumeWay {
  Leave,       // nobody asks for its files
  Copy,        // file-system backup: a PodVolumeBackup is due
  Impossible,  // asked for, and cannot be had: a warning, and the volume's data are not saved
};

struct PodVolumeDecision {
  PodVolumeWay way = PodVolumeWay::Leave;
  std::string reason;
  // Something that the person should put right though we understood it; empty mostly.
  std::string warning = {};

  bool operator==(const PodVolumeDecision&) const = default;
};

// Velero's order: what never is copied (made from the cluster's own objects, or the node's own); a
// volume policy that matches; the annotations and spec.defaultVolumesToFsBackup. Of what is then
// chosen, only volumes of running pods that a container mounts as a file system can be copied.
// Whether a node agent is there to do it is for the caller to see.
PodVolumeDecision decide_pod_volume(const PodVolumeSituation& situation,
                                    const model::BackupSpec& spec,
                                    const model::ResourcePolicy* policy);

// Whether the annotations and spec.defaultVolumesToFsBackup alone choose a volume of a pod. `claim`
// may be null. This is what keeps a snapshot of the claim's volume away.
bool is_chosen_for_file_system(const Json& pod,
                               const Json& volume,
                               const Json* claim,
                               const model::BackupSpec& spec);

// Whether a volume may be a matter of file-system backup at all, by its kind. Where this says no,
// no annotation and no policy changes it.
bool can_be_copied(const Json& volume);

}  // namespace lateen::volumes
