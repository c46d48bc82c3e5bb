#include "sandbox/runtime/pod_record.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kRestartedMessage =
    "The sandbox was stopped, and the container with it.";

std::vector<ContainerRecord> records_of(const Json& pod, std::string_view field) {
  std::vector<ContainerRecord> out;
  const JsonArray* containers = array_at(pod, field);
  if (containers == nullptr) return out;
  for (const Json& container : *containers) {
    ContainerRecord record{.name = std::string(string_at(container, "name")),
                           .image = std::string(string_at(container, "image"))};
    record.sidecar = string_at(container, "restartPolicy") == "Always";
    out.push_back(std::move(record));
  }
  return out;
}

std::optional<TimePoint> time_at(const Json& json, std::string_view path) {
  auto time = parse_rfc3339(string_at(json, path));
  if (!time) return std::nullopt;
  return *time;
}

Termination termination_from(const Json& state) {
  return {.exit_code = static_cast<int>(int_at(state, "exitCode").value_or(0)),
          .signal = static_cast<int>(int_at(state, "signal").value_or(0)),
          .reason = std::string(string_at(state, "reason")),
          .message = std::string(string_at(state, "message")),
          .started = time_at(state, "startedAt"),
          .finished = time_at(state, "finishedAt"),
          .container_id = std::string(string_at(state, "containerID"))};
}

void recover_container(const Json& status, TimePoint now, ContainerRecord& record) {
  record.restarts = static_cast<int>(int_at(status, "restartCount").value_or(0));
  record.container_id = string_at(status, "containerID");
  if (const Json* last = find(status, "lastState.terminated"))
    record.last = termination_from(*last);
  if (const Json* running = find(status, "state.running")) {
    record.phase = ContainerPhase::Terminated;
    record.termination = {.exit_code = 137,
                          .signal = 9,
                          .reason = "ContainerStatusUnknown",
                          .message = std::string(kRestartedMessage),
                          .started = time_at(*running, "startedAt"),
                          .finished = now,
                          .container_id = record.container_id};
  } else if (const Json* terminated = find(status, "state.terminated")) {
    record.phase = ContainerPhase::Terminated;
    record.termination = termination_from(*terminated);
  }
}

void recover_containers(const Json& pod,
                        std::string_view field,
                        TimePoint now,
                        std::vector<ContainerRecord>& records) {
  const JsonArray* statuses = array_at(pod, field);
  if (statuses == nullptr) return;
  for (const Json& status : *statuses) {
    for (ContainerRecord& record : records) {
      if (record.name == string_at(status, "name")) recover_container(status, now, record);
    }
  }
}

Json time_json(const std::optional<TimePoint>& time) {
  return time ? Json(format_rfc3339(*time)) : Json(nullptr);
}

JsonObject terminated_json(const Termination& termination) {
  JsonObject out{{"exitCode", termination.exit_code},
                 {"reason", termination.reason},
                 {"startedAt", time_json(termination.started)},
                 {"finishedAt", time_json(termination.finished)}};
  if (termination.signal != 0) out["signal"] = termination.signal;
  if (!termination.message.empty()) out["message"] = termination.message;
  if (!termination.container_id.empty()) out["containerID"] = termination.container_id;
  return out;
}

JsonObject state_json(const ContainerRecord& record) {
  switch (record.phase) {
    case ContainerPhase::Running:
      return {{"running", JsonObject{{"startedAt", time_json(record.started_at)}}}};
    case ContainerPhase::Terminated:
      return {{"terminated", terminated_json(record.termination)}};
    case ContainerPhase::Waiting:
      break;
  }
  JsonObject waiting{{"reason", record.waiting_reason}};
  if (!record.waiting_message.empty()) waiting["message"] = record.waiting_message;
  return {{"waiting", std::move(waiting)}};
}

Json container_json(const ContainerRecord& record) {
  JsonObject out{
      {"name", record.name},
      {"image", record.image},
      {"imageID", ""},
      {"restartCount", record.restarts},
      {"ready", record.ready},
      {"started", record.started},
      {"state", state_json(record)},
      {"lastState",
       record.last ? JsonObject{{"terminated", terminated_json(*record.last)}} : JsonObject{}}};
  if (!record.container_id.empty()) out["containerID"] = record.container_id;
  return out;
}

JsonArray containers_json(const std::vector<ContainerRecord>& records) {
  JsonArray out;
  for (const ContainerRecord& record : records)
    out.push_back(container_json(record));
  return out;
}

struct Verdict {
  bool value = false;
  std::string reason = {};
  std::string message = {};
};

std::string names_text(const std::vector<std::string>& names) {
  return fmt::format("[{}]", join(names, " "));
}

Verdict initialized_verdict(const PodRecord& record) {
  std::vector<std::string> incomplete;
  for (const ContainerRecord& init : record.inits) {
    if (!init.has_initialized()) incomplete.push_back(init.name);
  }
  if (incomplete.empty() || record.is_initialized()) return {.value = true};
  return {.value = false,
          .reason = "ContainersNotInitialized",
          .message = fmt::format("containers with incomplete status: {}", names_text(incomplete))};
}

Verdict containers_verdict(const PodRecord& record, std::string_view phase) {
  if (phase == "Succeeded") return {.value = false, .reason = "PodCompleted"};
  if (phase == "Failed") return {.value = false, .reason = "PodFailed"};
  std::vector<std::string> unready;
  for (const ContainerRecord& container : record.containers) {
    if (!container.ready) unready.push_back(container.name);
  }
  if (unready.empty()) return {.value = true};
  return {.value = false,
          .reason = "ContainersNotReady",
          .message = fmt::format("containers with unready status: {}", names_text(unready))};
}

// Readiness gates are conditions that somebody else sets on the pod.
Verdict ready_verdict(const Json& pod, const Verdict& containers) {
  const JsonArray* gates = array_at(pod, "spec.readinessGates");
  if (!containers.value || gates == nullptr) return containers;
  for (const Json& gate : *gates) {
    if (!kube::is_condition_true(pod, string_at(gate, "conditionType"))) {
      return {.value = false,
              .reason = "ReadinessGatesNotReady",
              .message = fmt::format("the status of pod readiness gate \"{}\" is not \"True\"",
                                     string_at(gate, "conditionType"))};
    }
  }
  return containers;
}

JsonObject condition_json(const Json& pod,
                          std::string_view type,
                          const Verdict& verdict,
                          TimePoint now) {
  const std::string_view status = verdict.value ? "True" : "False";
  const Json* before = kube::find_condition(pod, type);
  const bool same = before != nullptr && string_at(*before, "status") == status;
  JsonObject out{{"type", type}, {"status", status}, {"lastProbeTime", nullptr}};
  out["lastTransitionTime"] =
      same ? *find(*before, "lastTransitionTime") : Json(format_rfc3339(now));
  if (!verdict.reason.empty()) out["reason"] = verdict.reason;
  if (!verdict.message.empty()) out["message"] = verdict.message;
  return out;
}

JsonArray conditions_json(const Json& pod,
                          const PodRecord& record,
                          std::string_view phase,
                          TimePoint now) {
  static constexpr std::array<std::string_view, 5> kOurs{
      "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"};
  const Verdict containers = containers_verdict(record, phase);
  JsonArray out;
  out.push_back(
      condition_json(pod, "PodReadyToStartContainers", {.value = record.has_sandbox}, now));
  out.push_back(condition_json(pod, "Initialized", initialized_verdict(record), now));
  out.push_back(condition_json(pod, "Ready", ready_verdict(pod, containers), now));
  out.push_back(condition_json(pod, "ContainersReady", containers, now));
  out.push_back(condition_json(pod, "PodScheduled", {.value = true}, now));
  if (const JsonArray* present = array_at(pod, "status.conditions")) {
    for (const Json& condition : *present) {
      if (std::find(kOurs.begin(), kOurs.end(), string_at(condition, "type")) == kOurs.end())
        out.push_back(condition);
    }
  }
  return out;
}

bool has_run(const ContainerRecord& record) {
  return record.phase == ContainerPhase::Terminated || record.last.has_value();
}

}  // namespace

bool PodRecord::is_initialized() const {
  const auto done = [](const ContainerRecord& init) { return init.has_initialized(); };
  if (std::all_of(inits.begin(), inits.end(), done)) return true;
  // Once the main containers have run, a sidecar that ended does not undo it.
  return std::any_of(containers.begin(), containers.end(), [](const ContainerRecord& container) {
    return container.phase != ContainerPhase::Waiting || container.last.has_value();
  });
}

PodRecord new_pod_record(const Json& pod) {
  PodRecord record;
  record.inits = records_of(pod, "spec.initContainers");
  record.containers = records_of(pod, "spec.containers");
  if (!record.inits.empty()) {
    for (ContainerRecord& container : record.containers)
      container.waiting_reason = "PodInitializing";
    for (ContainerRecord& init : record.inits)
      init.waiting_reason = "PodInitializing";
  }
  return record;
}

void recover_pod_record(const Json& pod, TimePoint now, PodRecord& record) {
  record.start_time = time_at(pod, "status.startTime");
  record.address.pod_ip = string_at(pod, "status.podIP");
  recover_containers(pod, "status.containerStatuses", now, record.containers);
  recover_containers(pod, "status.initContainerStatuses", now, record.inits);
}

std::string_view phase_of(const Json& pod, const PodRecord& record) {
  if (!record.failure_reason.empty()) return "Failed";
  const std::string_view policy = string_at(pod, "spec.restartPolicy");
  if (!record.is_initialized()) {
    const bool failed = policy == "Never" &&
                        std::any_of(record.inits.begin(), record.inits.end(), [](const auto& init) {
                          return !init.sidecar && init.phase == ContainerPhase::Terminated &&
                                 init.termination.exit_code != 0;
                        });
    return failed ? "Failed" : "Pending";
  }
  std::size_t running = 0;
  std::size_t succeeded = 0;
  for (const ContainerRecord& container : record.containers) {
    if (container.phase == ContainerPhase::Running) ++running;
    if (container.phase == ContainerPhase::Waiting && !has_run(container)) return "Pending";
    if (container.phase == ContainerPhase::Terminated && container.termination.exit_code == 0)
      ++succeeded;
  }
  if (running > 0 || policy == "Always" || policy.empty()) return "Running";
  if (succeeded == record.containers.size()) return "Succeeded";
  return policy == "Never" ? "Failed" : "Running";
}

Json status_of(const Json& pod, const PodRecord& record, TimePoint now) {
  const std::string_view phase = phase_of(pod, record);
  Json status = find(pod, "status") != nullptr ? *find(pod, "status") : Json(JsonObject());
  if (!status.is_object()) status = JsonObject();
  JsonObject& out = status.as_object();
  out["phase"] = phase;
  out["conditions"] = conditions_json(pod, record, phase, now);
  out["hostIP"] = record.address.host_ip;
  out["hostIPs"] = JsonArray{JsonObject{{"ip", record.address.host_ip}}};
  if (!record.address.pod_ip.empty()) {
    out["podIP"] = record.address.pod_ip;
    out["podIPs"] = JsonArray{JsonObject{{"ip", record.address.pod_ip}}};
  }
  if (record.start_time) out["startTime"] = time_json(record.start_time);
  out["containerStatuses"] = containers_json(record.containers);
  if (!record.inits.empty()) out["initContainerStatuses"] = containers_json(record.inits);
  if (!record.failure_reason.empty()) {
    out["reason"] = record.failure_reason;
    out["message"] = record.failure_message;
  }
  return status;
}

}  // namespace lateen::sandbox
