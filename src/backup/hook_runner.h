// Runs a pod's backup hooks and counts them.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "kube/client.h"
#include "model/hooks.h"
#include "model/pod_hooks.h"

namespace lateen::backup {

class Rehearsal;

// Thread-safe.
class HookRunner {
 public:
  // With a rehearsal (may be null) nothing is run: it is noted there.
  HookRunner(kube::Client& client, const model::BackupHooks& hooks, Rehearsal* rehearsal = nullptr)
      : client_(client), hooks_(hooks), rehearsal_(rehearsal) {}

  // Whether the pod has hooks at all: if not, it needs no block of its own.
  bool has_hooks(const Json& pod) const;

  // Runs the hooks of one phase in order. False when one failed whose onError is Fail: the hooks
  // after it have not run, and after a pre hook the pod is not to be backed up. Each failure is an
  // error in the log, with what the command printed.
  bool run(const Json& pod, model::HookPhase phase, const Log& log, std::stop_token stop);

  model::HookStatus status() const;

 private:
  Status run_one(const Json& pod, const model::PodHook& hook, const Log& log, std::stop_token stop);

  kube::Client& client_;
  const model::BackupHooks& hooks_;
  Rehearsal* const rehearsal_;
  mutable Mutex mu_;
  std::int64_t attempted_ LATEEN_GUARDED_BY(mu_) = 0;
  std::int64_t failed_ LATEEN_GUARDED_BY(mu_) = 0;
};

}  // namespace lateen::backup
