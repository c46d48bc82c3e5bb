#include "sandbox/controllers/stateful_sets.h"

#include <algorithm>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/controllers/revisions.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

std::int64_t first_ordinal(const Json& set) {
  return int_at(set, "spec.ordinals.start").value_or(0);
}

std::int64_t end_ordinal(const Json& set) {
  return first_ordinal(set) + std::max<std::int64_t>(0, int_at(set, "spec.replicas").value_or(1));
}

bool is_parallel(const Json& set) {
  return string_at(set, "spec.podManagementPolicy") == "Parallel";
}

std::string pod_name(const Json& set, std::int64_t ordinal) {
  return fmt::format("{}-{}", kube::name_of(set), ordinal);
}

std::optional<std::int64_t> ordinal_of(const Json& set, const Json& pod) {
  const Cut name = cut_last(kube::name_of(pod), "-");
  auto ordinal = parse_int(name.after);
  if (!name.found || name.before != kube::name_of(set) || !ordinal) return std::nullopt;
  return *ordinal;
}

bool has_ended(const Json& pod) {
  const std::string_view phase = string_at(pod, "status.phase");
  return phase == "Failed" || phase == "Succeeded";
}

bool is_settled(const Json& pod) {
  return is_pod_ready(pod) && !kube::is_being_deleted(pod);
}

std::string claim_name(const Json& claim_template, const std::string& pod) {
  return fmt::format("{}-{}", kube::name_of(claim_template), pod);
}

// The pod's volumes of the templates' names are its own claims.
void add_claim_volumes(const Json& set, const std::string& pod_name, Json& pod) {
  const JsonArray* templates = array_at(set, "spec.volumeClaimTemplates");
  if (templates == nullptr) return;
  JsonArray volumes;
  const auto is_claim = [&](const Json& volume) {
    return std::any_of(templates->begin(), templates->end(), [&](const Json& claim) {
      return kube::name_of(claim) == string_at(volume, "name");
    });
  };
  for (const Json& claim : *templates) {
    volumes.push_back(JsonObject{
        {"name", kube::name_of(claim)},
        {"persistentVolumeClaim", JsonObject{{"claimName", claim_name(claim, pod_name)}}}});
  }
  if (const JsonArray* own = array_at(pod, "spec.volumes")) {
    for (const Json& volume : *own) {
      if (!is_claim(volume)) volumes.push_back(volume);
    }
  }
  ensure(pod, "spec.volumes") = std::move(volumes);
}

}  // namespace

StatefulSetController::StatefulSetController(ControllerContext& context)
    : Controller(context, "statefulset-controller") {
  follow(caches().stateful_sets);
  follow_owners(caches().pods, "StatefulSet");
  caches().pods.subscribe([this](const ObjectPtr&, const ObjectPtr& now) {
    if (!now || kube::controller_of(*now)) return;
    for (const ObjectPtr& set : caches().stateful_sets.list(kube::namespace_of(*now)))
      queue().add(kube::object_key(*set));
  });
}

Result<LookAgain> StatefulSetController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, set_name] = kube::parse_object_key(key);
  const ObjectPtr set = caches().stateful_sets.find(ns, set_name);
  if (!set || kube::is_being_deleted(*set)) return LookAgain();
  const std::string revision = TRY(ensure_revision(api(), caches().revisions, *set, name(), stop));
  ByOrdinal pods;
  for (const ObjectPtr& pod : TRY(claim_owned(api(), caches().pods, *set, name(), stop))) {
    const auto ordinal = ordinal_of(*set, *pod);
    if (ordinal) pods[*ordinal] = pod;
  }
  auto stepped = step(*set, pods, revision, stop);
  TRY(report(*set, pods, revision));
  if (!stepped) return std::move(stepped).error();
  return LookAgain();
}

// OrderedReady: each pod only after all before it are ready, and removals from the end, one at a
// time.
Status StatefulSetController::step(const Json& set,
                                   const ByOrdinal& pods,
                                   const std::string& revision,
                                   std::stop_token stop) {
  bool settled = true;
  for (std::int64_t ordinal = first_ordinal(set); ordinal < end_ordinal(set); ++ordinal) {
    const auto entry = pods.find(ordinal);
    if (entry == pods.end()) {
      TRY(make_pod(set, ordinal, revision, stop));
      settled = false;
    } else if (has_ended(*entry->second) && !kube::is_being_deleted(*entry->second)) {
      TRY(remove_seen(api(), caches().pods, *entry->second, stop));
      settled = false;
    } else if (!is_settled(*entry->second)) {
      // A pod that somebody else made, a restore for one, may wait for a claim that nobody has.
      if (string_at(*entry->second, "status.phase") == "Pending")
        TRY(ensure_claims(set, ordinal, stop));
      settled = false;
    }
    if (!settled && !is_parallel(set)) return Status();
  }
  if (settled || is_parallel(set)) TRY(remove_condemned(set, pods, stop));
  if (!settled) return Status();
  return update_pods(set, pods, revision, std::move(stop));
}

Status StatefulSetController::ensure_claims(const Json& set,
                                            std::int64_t ordinal,
                                            std::stop_token stop) {
  const JsonArray* templates = array_at(set, "spec.volumeClaimTemplates");
  if (templates == nullptr) return Status();
  for (const Json& claim_template : *templates) {
    const std::string claim = claim_name(claim_template, pod_name(set, ordinal));
    if (caches().claims.find(kube::namespace_of(set), claim)) continue;
    Json object = claim_template;
    object.as_object()["apiVersion"] = "v1";
    object.as_object()["kind"] = "PersistentVolumeClaim";
    (void)erase(object, "status");
    ensure(object, "metadata.name") = claim;
    ensure(object, "metadata.namespace") = kube::namespace_of(set);
    if (const JsonObject* labels = object_at(set, "spec.selector.matchLabels")) {
      for (const auto& [key, value] : *labels)
        kube::set_label(object, key, as_text(&value));
    }
    auto made = create_seen(api(), caches().claims, std::move(object), name(), stop);
    if (!made && !made.error().is(Code::AlreadyExists)) return std::move(made).error();
    if (made) {
      events().normal(set, "SuccessfulCreate",
                      fmt::format("create Claim {} Pod {} in StatefulSet {} success", claim,
                                  pod_name(set, ordinal), kube::name_of(set)));
    }
  }
  return Status();
}

Status StatefulSetController::make_pod(const Json& set,
                                       std::int64_t ordinal,
                                       const std::string& revision,
                                       std::stop_token stop) {
  TRY(ensure_claims(set, ordinal, stop));
  const std::string pod_name_now = pod_name(set, ordinal);
  Json pod = pod_from_template(set, *find(set, "spec.template"), {.name = pod_name_now});
  kube::set_label(pod, "statefulset.kubernetes.io/pod-name", pod_name_now);
  kube::set_label(pod, "apps.kubernetes.io/pod-index", fmt::format("{}", ordinal));
  kube::set_label(pod, kRevisionHashLabel, revision);
  ensure(pod, "spec.hostname") = pod_name_now;
  if (const std::string_view service = string_at(set, "spec.serviceName"); !service.empty()) {
    ensure(pod, "spec.subdomain") = service;
  }
  add_claim_volumes(set, pod_name_now, pod);
  auto made = create_seen(api(), caches().pods, std::move(pod), name(), std::move(stop));
  if (!made) {
    if (!made.error().is(Code::AlreadyExists)) {
      events().warning(set, "FailedCreate",
                       fmt::format("create Pod {} in StatefulSet {} failed error: {}", pod_name_now,
                                   kube::name_of(set), made.error().message()));
    }
    return std::move(made).error();
  }
  events().normal(
      set, "SuccessfulCreate",
      fmt::format("create Pod {} in StatefulSet {} successful", pod_name_now, kube::name_of(set)));
  return Status();
}

Status StatefulSetController::remove_condemned(const Json& set,
                                               const ByOrdinal& pods,
                                               std::stop_token stop) {
  for (auto entry = pods.rbegin(); entry != pods.rend(); ++entry) {
    if (entry->first >= first_ordinal(set) && entry->first < end_ordinal(set)) continue;
    if (!kube::is_being_deleted(*entry->second)) {
      TRY(remove_seen(api(), caches().pods, *entry->second, stop));
      events().normal(set, "SuccessfulDelete",
                      fmt::format("delete Pod {} in StatefulSet {} successful",
                                  kube::name_of(*entry->second), kube::name_of(set)));
    }
    if (!is_parallel(set)) return Status();
  }
  return Status();
}

// From the last to the partition, one at a time: the next once this one is ready again.
Status StatefulSetController::update_pods(const Json& set,
                                          const ByOrdinal& pods,
                                          const std::string& revision,
                                          std::stop_token stop) {
  if (string_at(set, "spec.updateStrategy.type") == "OnDelete") return Status();
  const std::int64_t partition =
      int_at(set, "spec.updateStrategy.rollingUpdate.partition").value_or(0);
  for (auto entry = pods.rbegin(); entry != pods.rend(); ++entry) {
    if (entry->first < partition || kube::is_being_deleted(*entry->second)) continue;
    if (kube::label_of(*entry->second, kRevisionHashLabel) == revision) continue;
    TRY(remove_seen(api(), caches().pods, *entry->second, stop));
    return Status();
  }
  return Status();
}

Status StatefulSetController::report(const Json& set,
                                     const ByOrdinal& pods,
                                     const std::string& revision) {
  const Duration min_ready = std::chrono::seconds(int_at(set, "spec.minReadySeconds").value_or(0));
  std::int64_t total = 0;
  std::int64_t ready = 0;
  std::int64_t available = 0;
  std::int64_t updated = 0;
  for (const auto& [ordinal, pod] : pods) {
    if (!is_pod_active(*pod)) continue;
    ++total;
    if (is_pod_ready(*pod)) ++ready;
    if (is_pod_available(*pod, min_ready, now())) ++available;
    if (kube::label_of(*pod, kRevisionHashLabel) == revision) ++updated;
  }
  const std::int64_t wanted = end_ordinal(set) - first_ordinal(set);
  const bool complete = updated == wanted && ready == wanted;
  const std::string_view before = string_at(set, "status.currentRevision");
  const std::string_view current = complete || before.empty() ? std::string_view(revision) : before;
  const Json status =
      JsonObject{{"observedGeneration", kube::generation_of(set).value_or(0)},
                 {"replicas", total},
                 {"readyReplicas", ready},
                 {"availableReplicas", available},
                 {"currentReplicas", current == revision ? updated : total - updated},
                 {"updatedReplicas", updated},
                 {"currentRevision", current},
                 {"updateRevision", revision},
                 {"collisionCount", int_at(set, "status.collisionCount").value_or(0)}};
  return write_status(api(), resources::kStatefulSets, set, status, name());
}

}  // namespace lateen::sandbox
