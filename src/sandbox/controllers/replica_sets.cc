#include "sandbox/controllers/replica_sets.h"

#include <algorithm>
#include <tuple>

#include "kube/object.h"
#include "sandbox/controllers/workload.h"

namespace lateen::sandbox {
namespace {

constexpr std::size_t kBurst = 500;  // pods made in one go, as kube-controller-manager limits it

std::vector<ObjectPtr> active_of(const std::vector<ObjectPtr>& pods) {
  std::vector<ObjectPtr> out;
  for (const ObjectPtr& pod : pods) {
    if (is_pod_active(*pod)) out.push_back(pod);
  }
  return out;
}

// Who goes first: without a node, not running, not ready, with a lower deletion cost, younger.
auto removal_rank(const ObjectPtr& pod) {
  const std::string_view phase = string_at(*pod, "status.phase");
  return std::tuple(
      !string_at(*pod, "spec.nodeName").empty(), phase == "Running", is_pod_ready(*pod),
      std::string(kube::annotation_of(*pod, "controller.kubernetes.io/pod-deletion-cost")));
}

}  // namespace

ReplicaSetController::ReplicaSetController(ControllerContext& context)
    : Controller(context, "replicaset-controller") {
  follow(caches().replica_sets);
  follow_owners(caches().pods, "ReplicaSet");
  // A pod without a controller may be one that a set takes in.
  caches().pods.subscribe([this](const ObjectPtr&, const ObjectPtr& now) {
    if (!now || kube::controller_of(*now)) return;
    for (const ObjectPtr& set : caches().replica_sets.list(kube::namespace_of(*now)))
      queue().add(kube::object_key(*set));
  });
}

Result<LookAgain> ReplicaSetController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, set_name] = kube::parse_object_key(key);
  const ObjectPtr set = caches().replica_sets.find(ns, set_name);
  if (!set || kube::is_being_deleted(*set)) return LookAgain();
  const std::vector<ObjectPtr> pods = TRY(claim_owned(api(), caches().pods, *set, name(), stop));
  const std::vector<ObjectPtr> active = active_of(pods);
  TRY(scale(*set, active, stop));
  // Pods that were made or removed change the cache, and bring us back; the status is of what we
  // saw.
  TRY(report(*set, active));
  const std::int64_t min_ready = int_at(*set, "spec.minReadySeconds").value_or(0);
  if (min_ready == 0) return LookAgain();
  return LookAgain(std::chrono::seconds(1));
}

Status ReplicaSetController::scale(const Json& set,
                                   const std::vector<ObjectPtr>& active,
                                   std::stop_token stop) {
  const auto wanted =
      static_cast<std::size_t>(std::max<std::int64_t>(0, int_at(set, "spec.replicas").value_or(1)));
  if (active.size() > wanted)
    return remove_surplus(set, active, active.size() - wanted, std::move(stop));
  const std::size_t missing = std::min(kBurst, wanted - active.size());
  const Json* pod_template = find(set, "spec.template");
  for (std::size_t i = 0; i < missing && pod_template != nullptr; ++i) {
    auto made =
        create_seen(api(), caches().pods,
                    pod_from_template(set, *pod_template,
                                      {.generate_name = fmt::format("{}-", kube::name_of(set))}),
                    name(), stop);
    if (!made) {
      events().warning(set, "FailedCreate",
                       fmt::format("Error creating: {}", made.error().message()));
      return std::move(made).error();
    }
    events().normal(set, "SuccessfulCreate", fmt::format("Created pod: {}", kube::name_of(*made)));
  }
  return Status();
}

Status ReplicaSetController::remove_surplus(const Json& set,
                                            std::vector<ObjectPtr> active,
                                            std::size_t surplus,
                                            std::stop_token stop) {
  std::stable_sort(active.begin(), active.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    const auto rank_a = removal_rank(a);
    const auto rank_b = removal_rank(b);
    if (rank_a != rank_b) return rank_a < rank_b;
    return string_at(*a, "metadata.creationTimestamp") >
           string_at(*b, "metadata.creationTimestamp");
  });
  for (std::size_t i = 0; i < surplus; ++i) {
    TRY(remove_seen(api(), caches().pods, *active[i], stop));
    events().normal(set, "SuccessfulDelete",
                    fmt::format("Deleted pod: {}", kube::name_of(*active[i])));
  }
  return Status();
}

Status ReplicaSetController::report(const Json& set, const std::vector<ObjectPtr>& pods) {
  const Duration min_ready = std::chrono::seconds(int_at(set, "spec.minReadySeconds").value_or(0));
  const auto template_labels = kube::to_labels(object_at(set, "spec.template.metadata.labels"));
  const auto like_template = kube::LabelSelector::from_labels(template_labels);
  std::int64_t labeled = 0;
  std::int64_t ready = 0;
  std::int64_t available = 0;
  for (const ObjectPtr& pod : pods) {
    if (like_template.matches(kube::labels_of(*pod))) ++labeled;
    if (is_pod_ready(*pod)) ++ready;
    if (is_pod_available(*pod, min_ready, now())) ++available;
  }
  Json status = JsonObject{{"replicas", static_cast<std::int64_t>(pods.size())},
                           {"observedGeneration", kube::generation_of(set).value_or(0)}};
  JsonObject& fields = status.as_object();
  if (labeled > 0) fields["fullyLabeledReplicas"] = labeled;
  if (ready > 0) fields["readyReplicas"] = ready;
  if (available > 0) fields["availableReplicas"] = available;
  return write_status(api(), resources::kReplicaSets, set, status, name());
}

}  // namespace lateen::sandbox
