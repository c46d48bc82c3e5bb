#include "sandbox/controllers/node_lifecycle.h"

#include <algorithm>

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kUnreachable = "node.kubernetes.io/unreachable";
constexpr Duration kLostNodePoll = std::chrono::milliseconds(250);  // while the node is lost

bool is_tainted(const Json& node) {
  const JsonArray* const taints = array_at(node, "spec.taints");
  return taints != nullptr && std::ranges::any_of(*taints, [](const Json& taint) {
           return string_at(taint, "key") == kUnreachable;
         });
}

std::optional<TimePoint> tainted_since(const Json& node) {
  const JsonArray* const taints = array_at(node, "spec.taints");
  if (taints == nullptr) return std::nullopt;
  for (const Json& taint : *taints) {
    if (string_at(taint, "key") != kUnreachable || string_at(taint, "effect") != "NoExecute")
      continue;
    const auto since = parse_rfc3339(string_at(taint, "timeAdded"));
    if (since) return *since;
  }
  return std::nullopt;
}

// How long the pod may stay on a node that cannot be reached; nothing: for ever.
std::optional<Duration> tolerance_of(const Json& pod) {
  std::optional<Duration> shortest = Duration::zero();
  bool tolerates = false;
  const JsonArray* const tolerations = array_at(pod, "spec.tolerations");
  if (tolerations == nullptr) return shortest;
  for (const Json& toleration : *tolerations) {
    const std::string_view key = string_at(toleration, "key");
    const std::string_view effect = string_at(toleration, "effect");
    const bool fits =
        (key.empty() || key == kUnreachable) && (effect.empty() || effect == "NoExecute");
    if (!fits) continue;
    const auto seconds = int_at(toleration, "tolerationSeconds");
    const auto own = seconds ? std::optional<Duration>(std::chrono::seconds(*seconds))
                             : std::optional<Duration>();
    if (!tolerates || (own && (!shortest || *own < *shortest))) shortest = own;
    tolerates = true;
  }
  return shortest;
}

}  // namespace

NodeLifecycleController::NodeLifecycleController(ControllerContext& context,
                                                 std::function<void(bool)> set_lost)
    : Controller(context, "node-controller"), set_lost_(std::move(set_lost)) {
  look();
}

void NodeLifecycleController::look() {
  queue().add(std::string(kNodeName));
}

Result<LookAgain> NodeLifecycleController::reconcile(const std::string& key, std::stop_token) {
  // Under one key, so that looking often does not count often.
  const bool lost =
      strike(FaultKind::NodeLost, {.resource = "nodes", .name = key}, key).has_value();
  set_lost_(lost);
  const ObjectPtr node = caches().nodes.find("", key);
  if (!node) return LookAgain(kLostNodePoll);
  const Json* const ready = kube::find_condition(*node, "Ready");
  const bool known_lost = ready != nullptr && string_at(*ready, "status") == "Unknown";
  if (known_lost != lost) TRY(mark_node(lost));
  if (is_tainted(*node) != lost) TRY(taint_node(lost));
  if (!lost) return LookAgain();
  const TimePoint since = tainted_since(*node).value_or(now());
  for (const ObjectPtr& pod : caches().pods.list()) {
    if (string_at(*pod, "spec.nodeName") != key) continue;
    TRY(mark_pod(*pod));
    TRY(evict_if_due(*pod, since));
  }
  return LookAgain(kLostNodePoll);
}

Status NodeLifecycleController::mark_node(bool lost) {
  const std::string time = format_rfc3339(now());
  auto written = api().modify(
      resources::kNodes, "", kNodeName,
      [&](Json& live) -> Result<bool> {
        if (array_at(live, "status.conditions") == nullptr) return false;
        for (Json& condition : ensure(live, "status.conditions").as_array()) {
          if (string_at(condition, "type") != "Ready") continue;
          JsonObject& fields = condition.as_object();
          fields["status"] = lost ? "Unknown" : "True";
          fields["reason"] = lost ? "NodeStatusUnknown" : "KubeletReady";
          fields["message"] =
              lost ? "Kubelet stopped posting node status." : "the sandbox is running";
          fields["lastTransitionTime"] = time;
          if (!lost) fields["lastHeartbeatTime"] = time;
        }
        return true;
      },
      write_status_as(lost ? "kube-controller-manager" : "kubelet"));
  if (!written) return Error(written.error());
  events().normal(
      *written, lost ? "NodeNotReady" : "NodeReady",
      fmt::format("Node {} status is now: {}", kNodeName, lost ? "NodeNotReady" : "NodeReady"));
  return Status();
}

Status NodeLifecycleController::taint_node(bool lost) {
  const std::string time = format_rfc3339(now());
  auto written = api().modify(
      resources::kNodes, "", kNodeName,
      [&](Json& live) -> Result<bool> {
        JsonArray kept;
        if (const JsonArray* present = array_at(live, "spec.taints")) {
          std::ranges::copy_if(*present, std::back_inserter(kept), [](const Json& taint) {
            return string_at(taint, "key") != kUnreachable;
          });
        }
        if (lost) {
          for (const std::string_view effect : {"NoSchedule", "NoExecute"})
            kept.push_back(
                JsonObject{{"key", kUnreachable}, {"effect", effect}, {"timeAdded", time}});
        }
        if (kept.empty()) {
          erase(live, "spec.taints");
        } else {
          ensure(live, "spec.taints") = std::move(kept);
        }
        return true;
      },
      write_as("kube-controller-manager"));
  return written ? Status() : Status(Error(written.error()));
}

Status NodeLifecycleController::mark_pod(const Json& pod) {
  if (!kube::is_condition_true(pod, "Ready")) return Status();
  const std::string time = format_rfc3339(now());
  auto written = api().modify(
      resources::kPods, kube::namespace_of(pod), kube::name_of(pod),
      [&](Json& live) -> Result<bool> {
        if (kube::uid_of(live) != kube::uid_of(pod) || !kube::is_condition_true(live, "Ready"))
          return false;
        for (Json& condition : ensure(live, "status.conditions").as_array()) {
          if (string_at(condition, "type") != "Ready") continue;
          condition.as_object()["status"] = "False";
          condition.as_object()["lastTransitionTime"] = time;
        }
        return true;
      },
      write_status_as("kube-controller-manager"));
  if (written || written.error().is(Code::NotFound)) {
    events().warning(pod, "NodeNotReady", "Node is not ready");
    return Status();
  }
  return Error(written.error());
}

Status NodeLifecycleController::evict_if_due(const Json& pod, TimePoint since) {
  const auto tolerated = tolerance_of(pod);
  const bool due = tolerated && since + *tolerated <= now();
  if (!due || kube::is_being_deleted(pod)) return Status();
  events().normal(pod, "TaintManagerEviction",
                  fmt::format("Marking for deletion Pod {}", kube::object_key(pod)));
  auto removed = api().remove(resources::kPods, kube::namespace_of(pod), kube::name_of(pod),
                              delete_exactly(kube::uid_of(pod)));
  if (removed || removed.error().is(Code::NotFound) || removed.error().is(Code::Conflict))
    return Status();
  return Error(removed.error());
}

}  // namespace lateen::sandbox
