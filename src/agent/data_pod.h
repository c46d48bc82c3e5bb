// Moving the data of one DataUpload or DataDownload: by the data mover's pod, which has the volume
// mounted (`lateen data-mover backup|restore`), or by the agent that found it on its node.
#pragma once

#include <stop_token>
#include <string>

#include "agent/limits.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "kube/client.h"
#include "model/data_movement.h"
#include "repository/engine/progress.h"
#include "server/context.h"
#include "volumes/volume_repository.h"

namespace lateen::agent {

struct DataMover {
  const server::ServerContext& server;
  FilePath cache_dir = {};  // for repositories' indexes; empty: none
  Duration resource_timeout = std::chrono::minutes(10);
  volumes::EngineLimits limits = {};
};

// Where the volume is, as we see it.
struct VolumeAccess {
  FilePath path = {};
  bool block = false;
};

// Into the volume that the claim has, not into a new one.
bool is_in_place(const model::DataDownload& download);

Result<volumes::SavedVolume> save_upload(const DataMover& mover,
                                         const model::DataUpload& upload,
                                         const VolumeAccess& volume,
                                         repository::Progress& progress,
                                         std::stop_token stop);

// One in place takes away what the snapshot does not have.
Status restore_download(const DataMover& mover,
                        const model::DataDownload& download,
                        const VolumeAccess& volume,
                        repository::Progress& progress,
                        std::stop_token stop);

// What a pod of the data mover is told: by flags, as Velero's are.
struct DataPodConfig {
  std::string ns = {};
  std::string name = {};  // of the DataUpload or DataDownload
  std::string node = {};  // ours; empty: not known
  VolumeAccess volume = {};
  FilePath cache_dir = {};
  Duration resource_timeout = std::chrono::minutes(10);
  // Where its limits come from: those of the node, which the pods there share.
  std::string settings_configmap = {};
  WorkLimits limits = {};
  FilePath message_file = "/dev/termination-log";
};

// Waits for its turn, moves the data, and writes how it ended where the pod's status will show it.
// An Error is the pod's failure, and has been written there too.
Status run_upload_pod(const DataPodConfig& config,
                      kube::Client& client,
                      const Clock& clock,
                      Rng& rng,
                      const Log& log,
                      std::stop_token stop);
Status run_download_pod(const DataPodConfig& config,
                        kube::Client& client,
                        const Clock& clock,
                        Rng& rng,
                        const Log& log,
                        std::stop_token stop);

}  // namespace lateen::agent
