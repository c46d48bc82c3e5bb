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
                const Log& log,
                std::stop_token stop) {
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

// The hooks of several pods, noted as they go.
class HookRound {
 public:
  explicit HookRound(const HookWork& work) : work_(work) {}

  void run(std::size_t number, std::stop_token stop) {
    HookedPod& pod = work_.pods[number];
    const Log log =
        work_.log.with({{"resource", "pods"}, {"namespace", pod.ns}, {"name", pod.name}});
    if (pod.ended < pod.begun) {
      end(pod, log,
          Error(Code::Internal,
                "hook {} was at work when the server stopped: whether it came to its end is not "
                "known, and it is not run again",
                pod.hooks[pod.ended].name));
    }
    while (pod.ended < pod.hooks.size() && !stop.stop_requested()) {
      const model::RestoreExecHook& hook = pod.hooks[pod.ended];
      const Status done =
          pod.gave_up
              ? Error(Code::Canceled, "hook {} was not executed: one before it failed", hook.name)
              : run_one(pod, hook, log, stop);
      // What the stop of the server kept from beginning begins after its next start.
      if (!done && stop.stop_requested() && pod.begun == pod.ended) return;
      end(pod, log, done);
    }
  }

 private:
  Status run_one(HookedPod& pod,
                 const model::RestoreExecHook& hook,
                 const Log& log,
                 std::stop_token stop) {
    TRY(wait_for_container(work_.client, pod, hook, work_.longest_wait, stop));
    TRY(note([&pod] { ++pod.begun; }).wrap("hook {} was not executed", hook.name));
    return run_hook(work_.client, pod, hook, log, stop);
  }

  void end(HookedPod& pod, const Log& log, const Status& done) {
    const model::RestoreExecHook& hook = pod.hooks[pod.ended];
    if (!done)
      log.error("Error executing hook", {{"hookName", hook.name}, {"error", done.error()}});
    const Status noted = note([&] {
      ++pod.ended;
      pod.begun = pod.ended;
      ++work_.status.hooks_attempted;
      if (done) return;
      ++work_.status.hooks_failed;
      work_.results.errors.add(pod.ns, fmt::format("pod {}: {}", pod.name, done.error().message()));
      if (!hook.continue_on_error) pod.gave_up = true;
    });
    // The worst of it: after an interruption the hook is told to have been at work.
    if (!noted) log.warning("Could not note a hook's end", {{"error", noted.error()}});
  }

  // The lock is held while the checkpoint is written: an older one must not overtake a newer.
  template <typename Change>
  Status note(Change change) {
    const Lock lock(mu_);
    change();
    return work_.checkpoint ? work_.checkpoint() : Status();
  }

  const HookWork& work_;
  Mutex mu_;
};

}  // namespace

void run_exec_hooks(const HookWork& work, std::stop_token stop) {
  HookRound round(work);
  // Its only error would be the stop, which the caller hears too.
  (void)parallel_for(
      work.pods.size(), kPodsAtOnce,
      [&round](std::size_t i, std::stop_token s) -> Status {
        round.run(i, s);
        return {};
      },
      stop);
}

}  // namespace lateen::restore
