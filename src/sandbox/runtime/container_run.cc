#include "sandbox/runtime/container_run.h"

#include <algorithm>

namespace lateen::sandbox {

void record_end(ContainerRun& run,
                ContainerRecord& record,
                TimePoint now,
                const std::string& termination_message) {
  Termination end{.exit_code = 137, .signal = 9, .reason = "Error"};
  if (!run.failure.empty()) {
    end = {.exit_code = 128, .signal = 0, .reason = "StartError", .message = run.failure};
  } else if (run.exit) {
    end.exit_code = run.exit->exit_code;
    end.signal = run.exit->signal;
    end.reason = end.exit_code == 0 ? "Completed" : "Error";
    end.message = termination_message;
  }
  end.started = record.started_at;
  end.finished = now;
  end.container_id = record.container_id;
  const bool ran_well = record.started_at && now - *record.started_at > kBackoffForgotten;
  const Duration backoff = ran_well ? Duration::zero() : run.backoff;
  record.phase = ContainerPhase::Terminated;
  record.termination = std::move(end);
  record.started_at.reset();
  record.ready = false;
  record.started = false;
  run = ContainerRun();
  run.backoff = backoff;
}

bool should_restart(std::string_view restart_policy, bool init, const ContainerRecord& record) {
  if (record.sidecar) return true;
  const bool failed = record.termination.exit_code != 0;
  if (init) return failed && restart_policy != "Never";
  if (restart_policy == "Never") return false;
  return restart_policy != "OnFailure" || failed;
}

void record_restart(ContainerRun& run, ContainerRecord& record, std::string_view pod_name) {
  run.restart_at = Deadline::after(run.backoff);
  record.last = std::move(record.termination);
  record.termination = {};
  ++record.restarts;
  record.phase = ContainerPhase::Waiting;
  record.waiting_reason = "CrashLoopBackOff";
  record.waiting_message = fmt::format(
      "back-off {}s restarting failed container={} pod={}",
      std::chrono::duration_cast<std::chrono::seconds>(run.backoff).count(), record.name, pod_name);
  run.backoff =
      run.backoff == Duration::zero() ? kFirstBackoff : std::min(run.backoff * 2, kLongestBackoff);
}

}  // namespace lateen::sandbox
