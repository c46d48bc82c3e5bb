// What happens to each volume of a backup, gathered from the threads that see to it: becomes the
// volumeinfo document, and with it the list of what this backup does not hold.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backup/pod_volume_copier.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/thread.h"
#include "model/native_snapshot.h"
#include "model/volume_info.h"
#include "volumes/csi_snapshot.h"

namespace lateen::model {
struct DataUpload;
}

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
  // Its snapshot's data are on their way into the repository.
  void moving(const Json& volume,
              const Json& claim,
              const model::DataUpload& upload,
              TimePoint started);

  // The claim's volume is to be snapshotted natively, when the volume's own turn comes: if it
  // never does, it is told of as skipped.
  void expect_native(const Json& volume, const Json& claim);
  bool expects_native(std::string_view volume) const;

  // The claim's volume is to be copied as files, by a pod that mounts it: the same if none does.
  void expect_copy(const Json& volume, const Json& claim);

  // Says whether the caller is the first who wants to copy this claim's volume.
  bool take_for_copy(const Json& claim);
  void copy_begun(const Json& pod, const ChosenPodVolume& volume);
  // Instead of copy_begun(), or after it.
  void copy_refused(const Json& pod, const ChosenPodVolume& volume, std::string_view reason);
  // The end of one that was begun. Of those that never end, the copy failed.
  void copied(const model::PodVolumeBackup& copy);

  // Of a volume by itself: its claim is the one that it names, if any.
  void skip(const Json& volume, std::string_view reason);
  void native_snapshot(const Json& volume,
                       const model::NativeSnapshot& snapshot,
                       TimePoint started);

  // In a rehearsal: its turn has come.
  void rehearsed(const Json& volume);

  // Those that were expected and never came, by volume, and why.
  std::vector<std::pair<std::string, std::string>> missed() const;

  // Skipped ones first, then by namespace and claim, as Velero orders them.
  std::vector<model::BackupVolumeInfo> infos() const;

 private:
  void add(model::BackupVolumeInfo info);
  void expect(const Json& volume, const Json& claim, bool as_files);
  void tell_anew(const model::BackupVolumeInfo& info) LATEEN_REQUIRES(mu_);
  bool is_told(const model::BackupVolumeInfo& info) const LATEEN_REQUIRES(mu_);

  const Clock& clock_;
  mutable Mutex mu_;
  std::set<std::string> chosen_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> told_ LATEEN_GUARDED_BY(mu_);

  struct Expected {
    model::BackupVolumeInfo info;
    bool as_files = false;
  };

  std::map<std::string, Expected, std::less<>> expected_ LATEEN_GUARDED_BY(mu_);  // by volume
  std::set<std::string> taken_ LATEEN_GUARDED_BY(mu_);  // claims that are copied
  // Copies that have begun, by "ns/pod/volume".
  std::map<std::string, model::BackupVolumeInfo> copies_ LATEEN_GUARDED_BY(mu_);
  std::vector<model::BackupVolumeInfo> infos_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::backup
