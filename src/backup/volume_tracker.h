// What happens to each volume of a backup, gathered from the threads that see to it: becomes the
// volumeinfo document, and with it the list of what this backup does not hold.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/thread.h"
#include "model/volume_info.h"
#include "volumes/csi_snapshot.h"

namespace lateen::backup {

// Thread-safe.
class VolumeTracker {
 public:
  explicit VolumeTracker(const Clock& clock) : clock_(clock) {}

  // A pod that mounts this claim has chosen it for file-system backup.
  void choose_for_file_system(std::string_view ns, std::string_view claim);
  bool is_chosen_for_file_system(std::string_view ns, std::string_view claim) const;

  // Each volume is told of once: the first word counts. `volume` may be null (a claim without one).
  void skip(const Json* volume, const Json& claim, std::string_view reason);
  void snapshotted(const Json& volume,
                   const Json& claim,
                   const volumes::CsiSnapshot& snapshot,
                   TimePoint started,
                   std::string_view operation_id);
  void snapshot_failed(const Json& volume, const Json& claim, TimePoint started);

  // Skipped ones first, then by namespace and claim, as Velero orders them.
  std::vector<model::BackupVolumeInfo> infos() const;

 private:
  void add(model::BackupVolumeInfo info);

  const Clock& clock_;
  mutable Mutex mu_;
  std::set<std::string> chosen_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> told_ LATEEN_GUARDED_BY(mu_);
  std::vector<model::BackupVolumeInfo> infos_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::backup
