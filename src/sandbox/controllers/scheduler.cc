#include "sandbox/controllers/scheduler.h"

#include <algorithm>

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kSchedulerName = "default-scheduler";

bool tolerates(const JsonArray* tolerations, const Json& taint) {
  if (tolerations == nullptr) return false;
  return std::any_of(tolerations->begin(), tolerations->end(), [&](const Json& toleration) {
    const std::string_view key = string_at(toleration, "key");
    const std::string_view effect = string_at(toleration, "effect");
    const bool value_fits = string_at(toleration, "operator") == "Exists" ||
                            string_at(toleration, "value") == string_at(taint, "value");
    return (key.empty() || key == string_at(taint, "key")) &&
           (effect.empty() || effect == string_at(taint, "effect")) && value_fits;
  });
}

bool tolerates_all(const Json& pod, const Json& node) {
  const JsonArray* taints = array_at(node, "spec.taints");
  if (taints == nullptr) return true;
  const JsonArray* tolerations = array_at(pod, "spec.tolerations");
  return std::all_of(taints->begin(), taints->end(), [&](const Json& taint) {
    return string_at(taint, "effect") == "PreferNoSchedule" || tolerates(tolerations, taint);
  });
}

std::string why_not_on(const Json& pod, const Json& node) {
  const JsonArray* const taints = array_at(node, "spec.taints");
  if (taints != nullptr) {
    for (const Json& taint : *taints) {
      if (string_at(taint, "effect") == "PreferNoSchedule" ||
          tolerates(array_at(pod, "spec.tolerations"), taint))
        continue;
      return fmt::format("0/1 nodes are available: 1 node(s) had untolerated taint {{{}: {}}}.",
                         string_at(taint, "key"), string_at(taint, "value"));
    }
  }
  return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
}

// A node selector term is a label selector's expressions, and the same over metadata.name.
bool term_fits(const Json& term, const Json& node) {
  const Json expressions = JsonObject{{"matchExpressions", find(term, "matchExpressions") != nullptr
                                                               ? *find(term, "matchExpressions")
                                                               : Json(JsonArray())}};
  auto by_label = kube::LabelSelector::from_json(&expressions);
  const Json fields = JsonObject{{"matchExpressions", find(term, "matchFields") != nullptr
                                                          ? *find(term, "matchFields")
                                                          : Json(JsonArray())}};
  auto by_field = kube::LabelSelector::from_json(&fields);
  const kube::Labels names{{"metadata.name", std::string(kube::name_of(node))}};
  return by_label && by_field && by_label->matches(kube::labels_of(node)) &&
         by_field->matches(names);
}

bool affinity_fits(const Json& pod, const Json& node) {
  const JsonArray* terms =
      array_at(pod,
               "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
               "nodeSelectorTerms");
  if (terms == nullptr || terms->empty()) return true;
  return std::any_of(terms->begin(), terms->end(),
                     [&](const Json& term) { return term_fits(term, node); });
}

std::vector<std::string> claims_of(const Json& pod) {
  std::vector<std::string> out;
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return out;
  for (const Json& volume : *volumes) {
    const std::string_view claim = string_at(volume, "persistentVolumeClaim.claimName");
    if (!claim.empty()) out.emplace_back(claim);
    if (find(volume, "ephemeral") != nullptr) {
      out.push_back(fmt::format("{}-{}", kube::name_of(pod), string_at(volume, "name")));
    }
  }
  return out;
}

}  // namespace

bool fits_node(const Json& pod, const Json& node) {
  const auto selector =
      kube::LabelSelector::from_labels(kube::to_labels(object_at(pod, "spec.nodeSelector")));
  return selector.matches(kube::labels_of(node)) && affinity_fits(pod, node) &&
         tolerates_all(pod, node);
}

Scheduler::Scheduler(ControllerContext& context)
    : Controller(context, std::string(kSchedulerName), 2) {
  caches().pods.subscribe([this](const ObjectPtr&, const ObjectPtr& now) {
    if (now && string_at(*now, "spec.nodeName").empty()) queue().add(kube::object_key(*now));
  });
  const auto all_waiting = [this](const ObjectPtr& before, const ObjectPtr& now) {
    for (const ObjectPtr& pod : caches().pods.list(kube::namespace_of(now ? *now : *before))) {
      if (string_at(*pod, "spec.nodeName").empty()) queue().add(kube::object_key(*pod));
    }
  };
  caches().claims.subscribe(all_waiting);
  caches().nodes.subscribe(all_waiting);
}

Result<LookAgain> Scheduler::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, pod_name] = kube::parse_object_key(key);
  const ObjectPtr pod = caches().pods.find(ns, pod_name);
  if (!pod || !string_at(*pod, "spec.nodeName").empty() || kube::is_being_deleted(*pod))
    return LookAgain();
  const std::string_view scheduler = string_at(*pod, "spec.schedulerName");
  if (!scheduler.empty() && scheduler != kSchedulerName) return LookAgain();
  if (const JsonArray* gates = array_at(*pod, "spec.schedulingGates");
      gates != nullptr && !gates->empty())
    return LookAgain();
  const std::string node = choose_node(*pod);
  if (node.empty()) {
    const ObjectPtr ours = caches().nodes.find("", kNodeName);
    const bool closed = !ours || bool_at(*ours, "spec.unschedulable").value_or(false);
    TRY(refuse(*pod, closed ? "0/1 nodes are available: 1 node(s) were unschedulable."
                            : why_not_on(*pod, *ours)));
    return LookAgain();
  }
  if (const auto why = TRY(find_missing_claim(*pod, node, stop))) {
    if (!why->empty()) TRY(refuse(*pod, *why));
    return LookAgain();
  }
  TRY(assign(*pod, node));
  return LookAgain();
}

// Ours where it takes the pod; else one that a person has added, the first by name.
std::string Scheduler::choose_node(const Json& pod) {
  const auto takes = [&pod](const Json& node) {
    return !bool_at(node, "spec.unschedulable").value_or(false) && fits_node(pod, node);
  };
  std::string first;
  for (const ObjectPtr& node : caches().nodes.list()) {
    if (!takes(*node)) continue;
    const std::string_view name = kube::name_of(*node);
    if (name == kNodeName) return std::string(name);
    if (first.empty() || name < first) first = name;
  }
  return first;
}

Result<std::optional<std::string>> Scheduler::find_missing_claim(const Json& pod,
                                                                 const std::string& node,
                                                                 std::stop_token stop) {
  const std::string_view ns = kube::namespace_of(pod);
  std::optional<std::string> waiting;
  for (const std::string& claim_name : claims_of(pod)) {
    const ObjectPtr claim = caches().claims.find(ns, claim_name);
    if (!claim) {
      return std::optional<std::string>(fmt::format(
          "0/1 nodes are available: persistentvolumeclaim \"{}\" not found.", claim_name));
    }
    if (kube::is_being_deleted(*claim)) {
      return std::optional<std::string>(fmt::format(
          "0/1 nodes are available: persistentvolumeclaim \"{}\" is being deleted.", claim_name));
    }
    if (string_at(*claim, "status.phase") == "Bound") continue;
    const ObjectPtr storage_class =
        caches().storage_classes.find("", string_at(*claim, "spec.storageClassName"));
    const bool waits =
        storage_class && string_at(*storage_class, "volumeBindingMode") == "WaitForFirstConsumer";
    if (!waits) {
      waiting = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
      continue;
    }
    if (!waiting) waiting = "";
    if (!kube::annotation_of(*claim, kSelectedNodeAnnotation).empty()) continue;
    const Json patch = JsonObject{
        {"metadata", JsonObject{{"annotations", JsonObject{{kSelectedNodeAnnotation, node}}}}}};
    TRY(patch_seen(api(), caches().claims, *claim, patch, name(), stop));
  }
  return waiting;
}

Status Scheduler::refuse(const Json& pod, const std::string& why) {
  const Json* before = kube::find_condition(pod, "PodScheduled");
  if (before != nullptr && string_at(*before, "message") == why) return Status();
  events().warning(pod, "FailedScheduling", why);
  const TimePoint at = now();
  auto written = api().modify(
      resources::kPods, kube::namespace_of(pod), kube::name_of(pod),
      [&](Json& object) -> Result<bool> {
        JsonArray conditions;
        if (const JsonArray* present = array_at(object, "status.conditions")) {
          for (const Json& condition : *present) {
            if (string_at(condition, "type") != "PodScheduled") conditions.push_back(condition);
          }
        }
        conditions.push_back(JsonObject{{"type", "PodScheduled"},
                                        {"status", "False"},
                                        {"reason", "Unschedulable"},
                                        {"message", why},
                                        {"lastProbeTime", nullptr},
                                        {"lastTransitionTime", format_rfc3339(at)}});
        ensure(object, "status.conditions") = std::move(conditions);
        return true;
      },
      write_status_as("kube-scheduler"));
  if (!written) return Error(written.error());
  return Status();
}

Status Scheduler::assign(const Json& pod, const std::string& node) {
  WriteOptions options = write_as("kube-scheduler");
  options.subresource = "binding";
  auto bound = api().modify(
      resources::kPods, kube::namespace_of(pod), kube::name_of(pod),
      [&](Json& object) -> Result<bool> {
        const bool ours =
            kube::uid_of(object) == kube::uid_of(pod) && string_at(object, "spec.nodeName").empty();
        if (ours) ensure(object, "spec.nodeName") = node;
        return ours;
      },
      options);
  if (!bound) return Error(bound.error());
  events().normal(pod, "Scheduled",
                  fmt::format("Successfully assigned {} to {}", kube::object_key(pod), node));
  return Status();
}

}  // namespace lateen::sandbox
