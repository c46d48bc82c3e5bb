// PodVolumeRestores: how a restore asks the node agents to put files into the volumes of restored
// pods, and waits until they are there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "model/pod_volumes.h"
#include "model/restore.h"
#include "restore/item_extension.h"
#include "restore/pod_volume_action.h"

namespace lateen::restore {

// All references outlive the extension.
struct PodVolumeRestoreTools {
  kube::Client& client;
  const model::Restore& restore;
  const Clock& clock;
  Log log;
  std::vector<model::PodVolumeBackup> copies;  // of the backup
  std::string location;                        // where they are
  WaitContainer container;
  // For all of the restore's volumes together; the restore's annotation
  // velero.io/pod-volume-timeout comes before it.
  Duration timeout = std::chrono::hours(4);
  Duration repository_timeout = std::chrono::minutes(10);
};

std::unique_ptr<ItemExtension> make_pod_volume_restores(PodVolumeRestoreTools tools);

// The PodVolumeRestore of one volume of a pod that was created, as Velero writes it. Pure.
model::PodVolumeRestore new_pod_volume_restore(const model::Restore& restore,
                                               const Json& pod,
                                               const model::PodVolumeBackup& copy,
                                               std::string_view location);

}  // namespace lateen::restore
