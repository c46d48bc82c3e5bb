// Where a pod's volume lies on this machine, in kubelet's folder of pods.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::agent {

struct HostVolume {
  FilePath path;       // <host_pods>/<pod uid>/volumes/<plugin>/<volume>[/mount]
  FilePath directory;  // the same, links followed
  bool block = false;  // a device, in volumeDevices/
};

// NotFound when the pod has no such volume or this machine has no such folder.
Result<HostVolume> find_host_volume(kube::Client& client,
                                    const FilePath& host_pods,
                                    const Json& pod,
                                    std::string_view volume,
                                    std::stop_token stop);

}  // namespace lateen::agent
