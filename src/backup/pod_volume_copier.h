// Who copies volumes of pods as files (PodVolumeBackups, done by the node agent) while a backup
// runs. The run decides which (volumes/decision.h) and says when; whoever implements this acts.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "model/pod_volumes.h"

namespace lateen::backup {

// One volume of a pod that is to be copied.
struct ChosenPodVolume {
  std::string name;                            // the pod's for it
  std::optional<Json> claim = {};              // of its PersistentVolumeClaim, if it is of one
  std::optional<Json> persistent_volume = {};  // that the claim is bound to
  std::string reason;                          // why it was chosen
};

// A volume whose copy could not even be begun.
struct RefusedPodVolume {
  std::string name;
  std::string reason;
};

// Thread-safe: several pods are backed up at once. A claim that several pods mount is given once.
class PodVolumeCopier {
 public:
  PodVolumeCopier() = default;
  PodVolumeCopier(const PodVolumeCopier&) = delete;
  PodVolumeCopier& operator=(const PodVolumeCopier&) = delete;
  virtual ~PodVolumeCopier() = default;

  // Creates the PodVolumeBackups of these volumes of one pod, which is running, and comes back
  // without waiting for them. Each that could not be created (no node agent there, no repository)
  // is an error in `log`, and in what comes back; an Error only when told to stop.
  virtual Result<std::vector<RefusedPodVolume>> begin(const Json& pod,
                                                      const std::vector<ChosenPodVolume>& volumes,
                                                      const Log& log,
                                                      std::stop_token stop) = 0;

  // Waits until the PodVolumeBackups of this pod have ended, however: its post hooks are due then.
  // No longer than the backup's time for pod volumes; what has not ended by then is no error here.
  virtual Status wait_for(const Json& pod, std::stop_token stop) = 0;

  // Waits for all, and gives them as they are in the end. Each that failed, was canceled or took
  // too long is an error in `log`. Called once, when nothing more is begun; with a stop it cancels
  // what still goes on.
  virtual Result<std::vector<model::PodVolumeBackup>> finish(const Log& log,
                                                             std::stop_token stop) = 0;
};

}  // namespace lateen::backup
