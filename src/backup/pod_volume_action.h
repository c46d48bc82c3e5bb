// PodVolumeBackups: how a backup asks the node agents to copy volumes of pods as files.
#pragma once

#include <memory>
#include <string>

#include "backup/pod_volume_copier.h"
#include "base/clock.h"
#include "kube/client.h"
#include "model/backup.h"

namespace lateen::backup {

// All of it outlives the copier.
struct PodVolumeTools {
  kube::Client& client;
  const model::Backup& backup;
  const Clock& clock;
  std::string uploader_type = "kopia";  // or restic
  // For all of the backup's volumes together; the backup's annotation velero.io/pod-volume-timeout
  // comes before it.
  Duration timeout = std::chrono::hours(4);
  Duration repository_timeout = std::chrono::minutes(10);  // to make or open a namespace's
};

std::unique_ptr<PodVolumeCopier> make_pod_volume_copier(const PodVolumeTools& tools);

// The PodVolumeBackup of one volume, as Velero writes it. Pure.
model::PodVolumeBackup new_pod_volume_backup(const model::Backup& backup,
                                             const Json& pod,
                                             const ChosenPodVolume& volume,
                                             std::string_view uploader_type,
                                             std::string_view repo_identifier);

}  // namespace lateen::backup
