// One container of one pod while the sandbox runs: its process, its probes, its ends and new
// beginnings.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "sandbox/runtime/container_process.h"
#include "sandbox/runtime/pod_record.h"
#include "sandbox/runtime/probe.h"

namespace lateen::sandbox {

inline constexpr Duration kFirstBackoff = std::chrono::seconds(1);
inline constexpr Duration kLongestBackoff = std::chrono::minutes(5);
inline constexpr Duration kBackoffForgotten = std::chrono::minutes(10);  // of running well

// How many looks in a row had the same outcome.
struct ProbeState {
  int successes = 0;
  int failures = 0;
};

// Not thread-safe: the pod's worker alone has it.
struct ContainerRun {
  std::unique_ptr<ContainerProcess> process = {};
  ContainerSpec spec = {};
  int pid = 0;
  std::uint64_t start_time = 0;
  std::optional<ContainerEvent> exit = {};  // heard before the process's end
  std::string failure = {};                 // why it could not be started
  Duration backoff = Duration::zero();
  Deadline restart_at = Deadline::after(Duration::zero());
  bool hook_pending = false;  // postStart runs: not ready before its end
  bool stopping = false;      // told to end
  bool pre_stop_asked = false;
  bool pre_stop_done = false;
  bool terminate_sent = false;
  std::optional<Deadline> kill_at = {};
  std::map<ProbeKind, ProbeState> probes = {};
  bool freeze_sent = false;
  int freezes_unanswered = 0;
  bool frozen_wholly = false;  // at the last answer

  bool is_frozen() const { return freeze_sent && freezes_unanswered == 0; }

  bool is_alive() const { return process != nullptr; }
};

// Puts the record into its new phase. `now` is the time of the end.
void record_end(ContainerRun& run,
                ContainerRecord& record,
                TimePoint now,
                const std::string& termination_message);

// Whether, by the pod's restart policy (Always for sidecars), a container that has ended starts
// again.
bool should_restart(std::string_view restart_policy, bool init, const ContainerRecord& record);

// Waiting with CrashLoopBackOff; the next start is after the back-off, which doubles.
void record_restart(ContainerRun& run, ContainerRecord& record, std::string_view pod_name);

}  // namespace lateen::sandbox
