#include "backup/hook_runner.h"

#include <algorithm>

#include "backup/rehearsal.h"
#include "base/text.h"
#include "kube/exec.h"
#include "kube/object.h"

namespace lateen::backup {
namespace {

// Enough of what a failing command printed to see why, not enough to drown the log.
constexpr std::size_t kQuotedOutput = 2000;

std::string in_quotes(std::string_view text) {
  const std::string_view trimmed = trim(text);
  if (trimmed.size() <= kQuotedOutput) return std::string(trimmed);
  return fmt::format("…{}", trimmed.substr(trimmed.size() - kQuotedOutput));
}

}  // namespace

bool HookRunner::has_hooks(const Json& pod) const {
  const model::HookPod facts = model::HookPod::from(pod);
  return !model::backup_hooks_of(facts, model::HookPhase::Pre, hooks_).empty() ||
         !model::backup_hooks_of(facts, model::HookPhase::Post, hooks_).empty();
}

bool HookRunner::run(const Json& pod,
                     model::HookPhase phase,
                     const Log& log,
                     std::stop_token stop) {
  const std::string_view pod_phase = string_at(pod, "status.phase");
  if (pod_phase == "Succeeded" || pod_phase == "Failed") return true;
  const auto hooks = model::backup_hooks_of(model::HookPod::from(pod), phase, hooks_);
  bool go_on = true;
  for (const model::PodHook& hook : hooks) {
    {
      // Those behind one that failed count as attempted too, as in Velero.
      const Lock lock(mu_);
      ++attempted_;
    }
    if (!go_on) continue;
    if (rehearsal_ != nullptr) {
      rehearsal_->add(PlannedHook{.ns = std::string(kube::namespace_of(pod)),
                                  .pod = std::string(kube::name_of(pod)),
                                  .phase = phase,
                                  .hook = hook});
      continue;
    }
    const Log hook_log = log.with({{"hookName", hook.name},
                                   {"hookSource", to_string(hook.source)},
                                   {"hookPhase", to_string(phase)},
                                   {"hookType", "exec"},
                                   {"hookContainer", hook.container},
                                   {"hookCommand", join(hook.command, " ")}});
    const Status done = run_one(pod, hook, hook_log, stop);
    if (done) continue;
    hook_log.error("Error executing hook", {{"error", done.error()}});
    const Lock lock(mu_);
    ++failed_;
    if (!hook.continue_on_error) go_on = false;
  }
  return go_on;
}

Status HookRunner::run_one(const Json& pod,
                           const model::PodHook& hook,
                           const Log& log,
                           std::stop_token stop) {
  const model::HookPod facts = model::HookPod::from(pod);
  if (std::find(facts.containers.begin(), facts.containers.end(), hook.container) ==
      facts.containers.end()) {
    return Error(Code::InvalidArgument, "no such container: \"{}\" in pod {}; it has {}",
                 hook.container, kube::object_key(pod), join(facts.containers, ", "));
  }
  log.info("running exec hook",
           {{"hookTimeout", std::chrono::duration<double>(hook.timeout).count()}});
  const kube::ExecOutcome outcome =
      TRY(kube::exec_in_pod(client_,
                            {.ns = facts.ns,
                             .pod = facts.name,
                             .container = hook.container,
                             .command = hook.command,
                             .stdin_bytes = {},
                             .deadline = Deadline::after(hook.timeout)},
                            stop));
  log.info("stdout: " + in_quotes(outcome.out));
  log.info("stderr: " + in_quotes(outcome.err));
  if (outcome.exit_code == 0) return {};
  const std::string said = in_quotes(outcome.err.empty() ? outcome.out : outcome.err);
  return Error(Code::Internal, "command terminated with exit code {}{}{}", outcome.exit_code,
               said.empty() ? ", and printed nothing" : "; it printed: ", said);
}

model::HookStatus HookRunner::status() const {
  const Lock lock(mu_);
  model::HookStatus status;
  status.hooks_attempted = attempted_;
  status.hooks_failed = failed_;
  return status;
}

}  // namespace lateen::backup
