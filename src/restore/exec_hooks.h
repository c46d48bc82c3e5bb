// Commands that run in restored pods once they are up.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "kube/client.h"
#include "model/hooks.h"
#include "model/pod_hooks.h"
#include "model/results.h"

namespace lateen::restore {

// A restored pod that has hooks.
struct HookedPod {
  std::string ns;
  std::string name;
  std::vector<model::RestoreExecHook> hooks;
};

// Waits for each pod's containers and runs their hooks in order, pods side by side. Failures are
// errors in `results`, under the pod's namespace. Returns when every hook has run, failed, or
// waited for too long: `longest_wait` where the hook says nothing of it.
model::HookStatus run_exec_hooks(kube::Client& client,
                                 const std::vector<HookedPod>& pods,
                                 Duration longest_wait,
                                 const Log& log,
                                 model::Results& results,
                                 std::stop_token stop);

}  // namespace lateen::restore
