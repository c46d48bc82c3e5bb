#include "sandbox/controllers/daemon_sets.h"

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/controllers/revisions.h"
#include "sandbox/controllers/scheduler.h"
#include "sandbox/controllers/workload.h"

namespace lateen::sandbox {
namespace {

// What a daemon's pod puts up with: it stays with its node in bad times.
void add_tolerations(Json& pod) {
  struct Taint {
    std::string_view key;
    std::string_view effect;
  };

  static constexpr Taint kTaints[] = {{"node.kubernetes.io/not-ready", "NoExecute"},
                                      {"node.kubernetes.io/unreachable", "NoExecute"},
                                      {"node.kubernetes.io/disk-pressure", "NoSchedule"},
                                      {"node.kubernetes.io/memory-pressure", "NoSchedule"},
                                      {"node.kubernetes.io/pid-pressure", "NoSchedule"},
                                      {"node.kubernetes.io/unschedulable", "NoSchedule"}};
  Json& list = ensure(pod, "spec.tolerations");
  if (!list.is_array()) list = JsonArray();
  for (const auto& [key, effect] : kTaints) {
    list.get_array().push_back(
        JsonObject{{"key", key}, {"operator", "Exists"}, {"effect", effect}});
  }
}

}  // namespace

DaemonSetController::DaemonSetController(ControllerContext& context)
    : Controller(context, "daemonset-controller") {
  follow(caches().daemon_sets);
  follow_owners(caches().pods, "DaemonSet");
  caches().nodes.subscribe([this](const ObjectPtr&, const ObjectPtr&) {
    for (const ObjectPtr& set : caches().daemon_sets.list())
      queue().add(kube::object_key(*set));
  });
}

Result<LookAgain> DaemonSetController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, set_name] = kube::parse_object_key(key);
  const ObjectPtr set = caches().daemon_sets.find(ns, set_name);
  if (!set || kube::is_being_deleted(*set)) return LookAgain();
  const std::string revision = TRY(ensure_revision(api(), caches().revisions, *set, name(), stop));
  const std::string hash(cut_last(revision, "-").after);
  const ObjectPtr node = caches().nodes.find("", kNodeName);
  const bool wanted = node && fits_node(*find(*set, "spec.template"), *node);
  ObjectPtr kept;
  for (const ObjectPtr& pod : TRY(claim_owned(api(), caches().pods, *set, name(), stop))) {
    const bool ended = string_at(*pod, "status.phase") == "Failed" ||
                       string_at(*pod, "status.phase") == "Succeeded";
    const bool outdated = kube::label_of(*pod, kRevisionHashLabel) != hash &&
                          string_at(*set, "spec.updateStrategy.type") != "OnDelete";
    const bool surplus = !wanted || kept || ended || outdated;
    if (!surplus) kept = pod;
    if (surplus && !kube::is_being_deleted(*pod))
      TRY(remove_seen(api(), caches().pods, *pod, stop));
    // Its place is free only when it is gone.
    if (kube::is_being_deleted(*pod) || surplus) kept = kept ? kept : pod;
  }
  if (wanted && !kept) {
    Json pod = pod_from_template(*set, *find(*set, "spec.template"),
                                 {.generate_name = fmt::format("{}-", set_name)});
    add_tolerations(pod);
    kube::set_label(pod, kRevisionHashLabel, hash);
    kube::set_label(pod, "pod-template-generation",
                    fmt::format("{}", kube::generation_of(*set).value_or(1)));
    const Json made = TRY(create_seen(api(), caches().pods, std::move(pod), name(), stop));
    events().normal(*set, "SuccessfulCreate", fmt::format("Created pod: {}", kube::name_of(made)));
    kept = std::make_shared<const Json>(made);
  }
  TRY(report(*set, kept, wanted, hash));
  return LookAgain();
}

Status DaemonSetController::report(const Json& set,
                                   const ObjectPtr& pod,
                                   bool wanted,
                                   const std::string& hash) {
  const bool there = pod && is_pod_active(*pod);
  const bool ready = there && is_pod_ready(*pod);
  const bool updated = there && kube::label_of(*pod, kRevisionHashLabel) == hash;
  JsonObject status{{"currentNumberScheduled", there && wanted ? 1 : 0},
                    {"desiredNumberScheduled", wanted ? 1 : 0},
                    {"numberMisscheduled", there && !wanted ? 1 : 0},
                    {"numberReady", ready ? 1 : 0},
                    {"observedGeneration", kube::generation_of(set).value_or(0)}};
  if (updated) status["updatedNumberScheduled"] = 1;
  if (ready) status["numberAvailable"] = 1;
  if (wanted && !ready) status["numberUnavailable"] = 1;
  return write_status(api(), resources::kDaemonSets, set, status, name());
}

}  // namespace lateen::sandbox
