// From a pod's spec to the ContainerSpec of one of its containers.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "sandbox/runtime/container_spec.h"
#include "sandbox/runtime/local_image.h"
#include "sandbox/runtime/pod_env.h"
#include "sandbox/runtime/pod_paths.h"
#include "sandbox/runtime/pod_volumes.h"

namespace lateen::sandbox {

// What a container without a command runs instead of its image's entrypoint, which nobody has here:
// nothing, for ever. An init container does nothing and ends, for others wait for its end.
inline constexpr std::string_view kPauseProgram = "sleep";
inline constexpr std::string_view kNoProgram = "true";

struct ContainerPlan {
  ContainerSpec spec;
  bool idle = false;  // it gave no command, and its image is none of ours: nothing is run
};

struct ContainerPlanInput {
  const Json& pod;
  const Json& container;
  const PodPaths& paths;
  const PreparedVolumes& volumes;
  const PodAddress& address;
  int restart = 0;
  // NAME=value for every container: how it reaches the API server.
  const std::vector<std::string>& extra_env;
  const std::vector<LocalImage>& images;
  bool ends = false;  // an init container that is no sidecar
};

// Reads ConfigMaps and Secrets for the environment. An error is kubelet's
// CreateContainerConfigError.
Result<ContainerPlan> plan_container(Api& api, const ContainerPlanInput& input);

}  // namespace lateen::sandbox
