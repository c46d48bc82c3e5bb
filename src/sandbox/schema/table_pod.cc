// The line of a pod: what its containers are doing, in one word.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/time.h"
#include "sandbox/schema/table_parts.h"

namespace lateen::sandbox::schema {
namespace {

bool has_condition(const Json& pod, std::string_view type) {
  const JsonArray* conditions = array_at(pod, "status.conditions");
  return conditions != nullptr && std::ranges::any_of(*conditions, [type](const Json& condition) {
           return string_at(condition, "type") == type && string_at(condition, "status") == "True";
         });
}

// "ExitCode:3" or "Signal:9", for a container that ended without a reason.
std::string ending(const Json& terminated) {
  const std::int64_t signal = int_at(terminated, "signal").value_or(0);
  if (signal != 0) return fmt::format("Signal:{}", signal);
  return fmt::format("ExitCode:{}", int_at(terminated, "exitCode").value_or(0));
}

std::string reason_of_end(const Json& terminated) {
  const std::string_view reason = string_at(terminated, "reason");
  return reason.empty() ? ending(terminated) : std::string(reason);
}

// Follows the statuses of one pod's containers.
class PodLine {
 public:
  explicit PodLine(const Json& pod) : pod_(pod) {
    reason_ = string_at(pod, "status.reason");
    if (reason_.empty()) reason_ = string_at(pod, "status.phase");
    if (const JsonArray* containers = array_at(pod, "spec.containers")) total_ = containers->size();
    count_sidecars();
    note_gates();
    const bool initializing = read_init_containers();
    if (!initializing || has_condition(pod, "Initialized")) read_containers();
    note_deletion();
  }

  std::string ready() const { return fmt::format("{}/{}", ready_, total_); }

  const std::string& reason() const { return reason_; }

  std::string restarts(TimePoint now) const {
    if (restarts_ == 0 || !last_restart_) return std::to_string(restarts_);
    return fmt::format("{} ({} ago)", restarts_, human_duration(now - *last_restart_));
  }

 private:
  bool is_sidecar(std::string_view name) const {
    const JsonArray* containers = array_at(pod_, "spec.initContainers");
    return containers != nullptr && std::ranges::any_of(*containers, [name](const Json& container) {
             return string_at(container, "name") == name &&
                    string_at(container, "restartPolicy") == "Always";
           });
  }

  void count_sidecars() {
    const JsonArray* containers = array_at(pod_, "spec.initContainers");
    if (containers == nullptr) return;
    for (const Json& container : *containers) {
      if (string_at(container, "restartPolicy") == "Always") ++total_;
    }
  }

  void note_gates() {
    const JsonArray* conditions = array_at(pod_, "status.conditions");
    if (conditions == nullptr) return;
    for (const Json& condition : *conditions) {
      const bool gated = string_at(condition, "type") == "PodScheduled" &&
                         string_at(condition, "reason") == "SchedulingGated";
      if (gated) reason_ = "SchedulingGated";
    }
  }

  void note_restarts(const Json& status) {
    restarts_ += int_at(status, "restartCount").value_or(0);
    const Json* finished = find(status, "lastState.terminated.finishedAt");
    const Result<TimePoint> time = parse_rfc3339(as_text(finished));
    if (finished != nullptr && time && (!last_restart_ || *last_restart_ < *time))
      last_restart_ = *time;
  }

  // Whether one of them still has to end.
  bool read_init_containers() {
    const JsonArray* statuses = array_at(pod_, "status.initContainerStatuses");
    if (statuses == nullptr) return false;
    std::size_t at = 0;
    for (const Json& status : *statuses) {
      const std::size_t index = at++;
      note_restarts(status);
      const bool sidecar = is_sidecar(string_at(status, "name"));
      if (sidecar) sidecar_restarts_ += int_at(status, "restartCount").value_or(0);
      const Json* terminated = find(status, "state.terminated");
      if (terminated != nullptr && int_at(*terminated, "exitCode").value_or(0) == 0) continue;
      if (sidecar && bool_at(status, "started").value_or(false)) {
        if (bool_at(status, "ready").value_or(false)) ++ready_;
        continue;
      }
      const std::string_view waiting = string_at(status, "state.waiting.reason");
      if (terminated != nullptr) {
        reason_ = "Init:" + reason_of_end(*terminated);
      } else if (!waiting.empty() && waiting != "PodInitializing") {
        reason_ = fmt::format("Init:{}", waiting);
      } else {
        const JsonArray* all = array_at(pod_, "spec.initContainers");
        reason_ = fmt::format("Init:{}/{}", index, all != nullptr ? all->size() : statuses->size());
      }
      return true;
    }
    return false;
  }

  void read_containers() {
    restarts_ = sidecar_restarts_;
    const JsonArray* statuses = array_at(pod_, "status.containerStatuses");
    if (statuses == nullptr) return;
    bool running = false;
    for (std::size_t i = statuses->size(); i > 0; --i) {
      const Json& status = (*statuses)[i - 1];
      note_restarts(status);
      const std::string_view waiting = string_at(status, "state.waiting.reason");
      const Json* terminated = find(status, "state.terminated");
      if (!waiting.empty()) {
        reason_ = waiting;
      } else if (terminated != nullptr) {
        reason_ = reason_of_end(*terminated);
      } else if (bool_at(status, "ready").value_or(false) &&
                 find(status, "state.running") != nullptr) {
        running = true;
        ++ready_;
      }
    }
    if (reason_ == "Completed" && running)
      reason_ = has_condition(pod_, "Ready") ? "Running" : "NotReady";
  }

  void note_deletion() {
    if (string_at(pod_, "metadata.deletionTimestamp").empty()) return;
    const std::string_view phase = string_at(pod_, "status.phase");
    if (string_at(pod_, "status.reason") == "NodeLost") {
      reason_ = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      reason_ = "Terminating";
    }
  }

  const Json& pod_;
  std::string reason_;
  std::size_t ready_ = 0;
  std::size_t total_ = 0;
  std::int64_t restarts_ = 0;
  std::int64_t sidecar_restarts_ = 0;
  std::optional<TimePoint> last_restart_;
};

std::string readiness_gates(const Json& pod) {
  const JsonArray* gates = array_at(pod, "spec.readinessGates");
  if (gates == nullptr || gates->empty()) return "<none>";
  const auto open = std::ranges::count_if(*gates, [&pod](const Json& gate) {
    return has_condition(pod, string_at(gate, "conditionType"));
  });
  return fmt::format("{}/{}", open, gates->size());
}

}  // namespace

JsonArray pod_cells(const Json& object, TimePoint now) {
  const PodLine line(object);
  std::string_view address = string_at(object, "status.podIP");
  if (const JsonArray* addresses = array_at(object, "status.podIPs");
      addresses != nullptr && !addresses->empty()) {
    address = string_at((*addresses)[0], "ip");
  }
  return {Json(string_at(object, "metadata.name")),
          Json(line.ready()),
          Json(line.reason()),
          Json(line.restarts(now)),
          Json(age_text(find(object, "metadata.creationTimestamp"), now)),
          Json(or_none(address)),
          Json(or_none(string_at(object, "spec.nodeName"))),
          Json(or_none(string_at(object, "status.nominatedNodeName"))),
          Json(readiness_gates(object))};
}

}  // namespace lateen::sandbox::schema
