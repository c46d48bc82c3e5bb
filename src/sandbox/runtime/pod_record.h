// What the runtime knows of one pod, and how that reads as its status. Values and pure functions:
// nothing here acts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "sandbox/runtime/pod_fields.h"

namespace lateen::sandbox {

enum class ContainerPhase { Waiting, Running, Terminated };

// How a container ended.
struct Termination {
  int exit_code = 0;
  int signal = 0;
  std::string reason = {};  // Completed, Error, StartError, ContainerStatusUnknown
  std::string message = {};
  std::optional<TimePoint> started = {};
  std::optional<TimePoint> finished = {};
  std::string container_id = {};
};

// A container as it is now.
struct ContainerRecord {
  std::string name = {};
  std::string image = {};
  bool sidecar = false;  // an init container that keeps running beside the others
  ContainerPhase phase = ContainerPhase::Waiting;
  std::string waiting_reason = "ContainerCreating";
  std::string waiting_message = {};
  std::optional<TimePoint> started_at = {};
  Termination termination = {};          // of phase Terminated
  std::optional<Termination> last = {};  // of the run before this one
  int restarts = 0;
  bool started = false;  // its startup probe, if any, has succeeded
  bool ready = false;
  std::string container_id = {};

  // An init container that need not be waited for any more.
  bool has_initialized() const {
    if (sidecar) return phase == ContainerPhase::Running && started;
    return phase == ContainerPhase::Terminated && termination.exit_code == 0;
  }
};

// Plain value.
struct PodRecord {
  PodAddress address = {};
  std::optional<TimePoint> start_time = {};
  bool has_sandbox = false;  // volumes and addresses are there: containers may start
  std::vector<ContainerRecord> inits = {};
  std::vector<ContainerRecord> containers = {};
  std::string failure_reason = {};  // set: the pod has failed as a whole (DeadlineExceeded, ...)
  std::string failure_message = {};

  bool is_initialized() const;
};

// The containers that the spec asks for, nothing of them known yet.
PodRecord new_pod_record(const Json& pod);

// Goes on from what the status says after the sandbox was stopped or killed: what ran then is dead
// now.
void recover_pod_record(const Json& pod, TimePoint now, PodRecord& record);

// "Pending", "Running", "Succeeded" or "Failed", as kubelet's getPhase decides.
std::string_view phase_of(const Json& pod, const PodRecord& record);

// The whole status; conditions that are not ours and transition times are taken over from the pod's
// present one.
Json status_of(const Json& pod, const PodRecord& record, TimePoint now);

}  // namespace lateen::sandbox
