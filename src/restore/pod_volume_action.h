// The init container by which a restored pod waits for the files of its volumes: it runs first, and
// ends when the node agent has put a mark into each volume. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/pod_volumes.h"

namespace lateen::restore {

inline constexpr std::string_view kWaitContainer = "restore-wait";
inline constexpr std::string_view kWaitContainerLegacy = "restic-wait";

// How the container is run. From the ConfigMap that configures Velero's action
// velero.io/pod-volume-restore, where it says something.
struct WaitContainer {
  std::string image = {};
  std::vector<std::string> command = {};
  std::string cpu_request = "100m";
  std::string memory_request = "128Mi";
  std::string cpu_limit = "100m";
  std::string memory_limit = "128Mi";
  std::optional<Json> security_context =
      {};  // else the pod's first container's, else an unprivileged one

  // The keys image, command, cpuRequest, memRequest, cpuLimit, memLimit, secCtx, secCtxRunAsUser,
  // secCtxRunAsGroup and secCtxAllowPrivilegeEscalation. InvalidArgument names the key.
  Status configure(const Json& data);
};

// The copies that belong to a pod of the backup: by the name of its volume. Those without a
// snapshot (the volume was empty, or its copy failed) are not among them.
std::map<std::string, const model::PodVolumeBackup*> copies_of_pod(
    const std::vector<model::PodVolumeBackup>& copies, const Json& pod, std::string_view source_ns);

// Takes out what a former restore has left of these containers, and puts one in front of the others
// if there are volumes to wait for.
void add_wait_container(Json& pod,
                        const std::vector<std::string>& volumes,
                        std::string_view restore_uid,
                        const WaitContainer& container);

}  // namespace lateen::restore
