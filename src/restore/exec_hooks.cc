#include "restore/exec_hooks.h"

#include <algorithm>

#include "base/text.h"
#include "kube/exec.h"
#include "kube/object.h"

namespace lateen::restore {
namespace {

// They mostly wait: those that come up late must not hold up the others.
constexpr std::size_t kPodsAtOnce = 64;
constexpr std::chrono::milliseconds kPoll{500};

bool container_is_up(const Json& pod, std::string_view container, bool wanted_ready) {
  const JsonArray* statuses = array_at(pod, "status.containerStatuses");
  if (statuses == nullptr) return false;
  for (const Json& status : *statuses) {
    if (string_at(status, "name") != container) continue;
    if (find(status, "state.running") == nullptr) return false;
    return !wanted_ready || bool_at(status, "ready").value_or(false);
  }
  return false;
}

// Until the container of the hook is up; an Error says why it never will be.
Status wait_for_container(kube::Client& client,
                          const HookedPod& pod,
                          const model::RestoreExecHook& hook,
                          Duration longest_wait,
                          std::stop_token stop) {
  const Deadline deadline =
      Deadline::after(hook.wait_timeout == Duration::zero() ? longest_wait : hook.wait_timeout);
  while (true) {
    const Json now =
        TRY(client.get({.gvr = {"", "v1", "pods"}, .ns = pod.ns, .name = pod.name}, {}, stop)
                .wrap("hook {} was not executed", hook.name));
    if (container_is_up(now, hook.container, hook.wait_for_ready)) return {};
    const std::string_view phase = string_at(now, "status.phase");
    if (phase == "Succeeded" || phase == "Failed") {
      return Error(Code::Unavailable,
                   "hook {} in container {} was not executed: the pod has ended ({})", hook.name,
                   hook.container, phase);
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "hook {} in container {} expired before executing",
                   hook.name, hook.container);
    }
    if (!sleep_unless_stopped(kPoll, stop)) return Error(Code::Canceled, "the restore was stopped");
  }
}

Status run_hook(kube::Client& client,
                const HookedPod& pod,
                const model::RestoreExecHook& hook,
                Duration longest_wait,
                const Log& log,
                const std::stop_token& stop) {
  TRY(wait_for_container(client, pod, hook, longest_wait, stop));
  const kube::ExecOutcome outcome =
      TRY(kube::exec_in_pod(client,
                            {.ns = pod.ns,
                             .pod = pod.name,
                             .container = hook.container,
                             .command = hook.command,
                             .stdin_bytes = {},
                             .deadline = Deadline::after(hook.exec_timeout)},
                            stop));
  log.info(fmt::format("stdout: {}", trim(outcome.out)));
  log.info(fmt::format("stderr: {}", trim(outcome.err)));
  if (outcome.exit_code == 0) return {};
  return Error(Code::Internal, "hook {} in container {}: command terminated with exit code {}: {}",
               hook.name, hook.container, outcome.exit_code,
               trim(outcome.err.empty() ? outcome.out : outcome.err));
}

}  // namespace

model::HookStatus run_exec_hooks(kube::Client& client,
                                 const std::vector<HookedPod>& pods,
                                 Duration longest_wait,
                                 const Log& log,
                                 model::Results& results,
                                 std::stop_token stop) {
  Mutex mu;
  model::HookStatus status;
  const auto in_pod = [&](std::size_t i, std::stop_token s) -> Status {
    const HookedPod& pod = pods[i];
    const Log pod_log = log.with({{"resource", "pods"}, {"namespace", pod.ns}, {"name", pod.name}});
    bool go_on = true;
    for (const model::RestoreExecHook& hook : pod.hooks) {
      const Status done =
          go_on
              ? run_hook(client, pod, hook, longest_wait, pod_log, s)
              : Error(Code::Canceled, "hook {} was not executed: one before it failed", hook.name);
      const Lock lock(mu);
      ++status.hooks_attempted;
      if (done) continue;
      ++status.hooks_failed;
      results.errors.add(pod.ns, fmt::format("pod {}: {}", pod.name, done.error().message()));
      pod_log.error("Error executing hook", {{"hookName", hook.name}, {"error", done.error()}});
      if (!hook.continue_on_error) go_on = false;
    }
    return {};
  };
  // Its only error would be the stop, which the caller hears too.
  (void)parallel_for(pods.size(), kPodsAtOnce, in_pod, stop);
  return status;
}

}  // namespace lateen::restore
