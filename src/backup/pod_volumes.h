// Which volumes of pods are copied as files, and the beginning of the copies.
#pragma once

#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/collector.h"
#include "backup/plan.h"
#include "backup/pod_volume_copier.h"
#include "backup/run.h"
#include "backup/volume_tracker.h"
#include "base/thread.h"

namespace lateen::backup {

// All of it outlives the volumes.
struct PodVolumesParts {
  const model::Backup& backup;
  const BackupPlan& plan;
  const BackupTools& tools;
  const BackupRunOptions& options;
  VolumeTracker& volumes;
};

// Thread-safe.
class PodVolumes {
 public:
  explicit PodVolumes(const PodVolumesParts& parts) : parts_(parts) {}

  // Before the first pod: claims that ask for file-system backup themselves. `pods` says where.
  Status find_claims_by_alias(const CollectionStep& pods, std::stop_token stop);

  // Decides on each volume of a pod, tells the tracker of those that are not to be snapshotted, and
  // gives those that are to be copied. A claim that several pods mount is given once.
  Result<std::vector<ChosenPodVolume>> choose(const Json& pod,
                                              const Log& log,
                                              std::stop_token stop);

  // Of a pod that is in the backup.
  Status begin_copies(const Json& pod,
                      const std::vector<ChosenPodVolume>& chosen,
                      const Log& log,
                      std::stop_token stop);

 private:
  bool may_be_chosen(const Json& pod, const Json& volume);
  Result<std::optional<ChosenPodVolume>> choose_one(const Json& pod,
                                                    const Json& volume,
                                                    const Log& log,
                                                    std::stop_token stop);
  Status read_claim(const std::string& key, ChosenPodVolume& into, std::stop_token stop);
  void rehearse(const Json& pod, const std::vector<ChosenPodVolume>& chosen);

  const PodVolumesParts parts_;
  Mutex mu_;
  std::set<std::string> aliased_ LATEEN_GUARDED_BY(mu_);  // claims, as "ns/name"
};

}  // namespace lateen::backup
