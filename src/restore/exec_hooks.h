// Commands that run in restored pods once they are up.
#pragma once

#include <functional>
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

// A restored pod that has hooks, and how far they are: whoever goes on after an interruption must
// not run one a second time.
struct HookedPod {
  std::string ns = {};
  std::string name = {};
  std::vector<model::RestoreExecHook> hooks = {};
  std::size_t begun = 0;  // of the hooks, in their order
  std::size_t ended = 0;
  bool gave_up = false;  // one failed that the others may not follow
};

// What hooks work with and on.
struct HookWork {
  kube::Client& client;
  std::vector<HookedPod>& pods;
  model::HookStatus& status;
  model::Results& results;  // failures are errors under the pod's namespace
  Duration longest_wait;    // where the hook says nothing of it
  const Log& log;
  // Hears of each hook before it begins and after it has ended; one call at a time. What it returns
  // keeps a hook from beginning.
  std::function<Status()> checkpoint;
};

// Waits for each pod's containers and runs their hooks in order, pods side by side. Returns when
// every hook has run, failed, or waited for too long. A hook that had begun and not ended before is
// an error, and is not run again.
void run_exec_hooks(const HookWork& work, std::stop_token stop);

}  // namespace lateen::restore
