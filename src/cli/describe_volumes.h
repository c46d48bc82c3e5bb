// What became of a backup's volumes, gathered from its documents and the cluster: read once, told
// as text or as JSON.
#pragma once

#include <string>
#include <vector>

#include "cli/describe.h"
#include "model/pod_volumes.h"
#include "model/volume_info.h"

namespace lateen::cli {

struct BackupVolumes {
  std::vector<model::BackupVolumeInfo> native = {};
  std::vector<model::BackupVolumeInfo> csi = {};
  bool legacy = false;  // concluded from the documents of before there was one about volumes

  // What is said when `csi` is empty.
  std::string_view no_csi() const {
    return legacy ? "<none included or not detectable>" : "<none included>";
  }
};

// The error says what could not be read, as Velero words it: "error getting backup volume info: …"
Result<BackupVolumes> read_backup_volumes(const DescribedBackup& described);

// The volumes of one pod: "shop/db-0" and "data (size: 74463)".
struct PodVolumes {
  std::string pod;
  model::StringList volumes;
};

struct PhaseOfPodVolumes {
  std::string phase;  // "In Progress" has a blank here
  std::size_t count = 0;
  std::vector<PodVolumes> pods = {};  // in the order in which they were met
};

// By phase, in the order in which phases are told; those without volumes are left out.
std::vector<PhaseOfPodVolumes> group_by_phase(const std::vector<model::PodVolumeBackup>& backups);
std::vector<PhaseOfPodVolumes> group_by_phase(const std::vector<model::PodVolumeRestore>& restores);

// Pods and their volumes by name.
void sort_by_name(std::vector<PhaseOfPodVolumes>& phases);

}  // namespace lateen::cli
