#include "sandbox/controllers/deployments.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kHashLabel = "pod-template-hash";
constexpr std::string_view kRevisionAnnotation = "deployment.kubernetes.io/revision";

std::int64_t replicas_of(const Json& object) {
  return int_at(object, "spec.replicas").value_or(1);
}

std::int64_t status_count(const Json& object, std::string_view field) {
  return int_at(object, fmt::format("status.{}", field)).value_or(0);
}

std::int64_t revision_of(const Json& object) {
  auto revision = parse_int(kube::annotation_of(object, kRevisionAnnotation));
  return revision ? *revision : 0;
}

// Both templates have been through the same defaults, so that equal means equal.
bool has_template(const Json& set, const Json& deployment) {
  Json of_set = *find(set, "spec.template");
  if (JsonObject* labels = ensure(of_set, "metadata.labels").if_object()) labels->erase(kHashLabel);
  Json of_deployment = *find(deployment, "spec.template");
  (void)ensure(of_deployment, "metadata.labels");
  for (Json* value : {&of_set, &of_deployment})
    (void)erase(*value, "metadata.creationTimestamp");
  return of_set == of_deployment;
}

std::vector<ObjectPtr> all_of(const ObjectPtr& present, const std::vector<ObjectPtr>& old) {
  std::vector<ObjectPtr> out = old;
  if (present) out.push_back(present);
  return out;
}

std::int64_t sum(const std::vector<ObjectPtr>& sets, std::string_view path) {
  std::int64_t out = 0;
  for (const ObjectPtr& set : sets)
    out += int_at(*set, path).value_or(0);
  return out;
}

struct RollingLimits {
  std::int64_t surge = 0;
  std::int64_t unavailable = 0;
};

RollingLimits limits_of(const Json& deployment) {
  const std::int64_t wanted = replicas_of(deployment);
  RollingLimits out{
      .surge = int_or_percent(find(deployment, "spec.strategy.rollingUpdate.maxSurge"), wanted,
                              true, (wanted + 3) / 4),
      .unavailable = int_or_percent(find(deployment, "spec.strategy.rollingUpdate.maxUnavailable"),
                                    wanted, false, wanted / 4)};
  // Both nothing would never move.
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

}  // namespace

DeploymentController::DeploymentController(ControllerContext& context)
    : Controller(context, "deployment-controller") {
  follow(caches().deployments);
  follow_owners(caches().replica_sets, "Deployment");
  caches().replica_sets.subscribe([this](const ObjectPtr&, const ObjectPtr& now) {
    if (!now || kube::controller_of(*now)) return;
    for (const ObjectPtr& deployment : caches().deployments.list(kube::namespace_of(*now))) {
      queue().add(kube::object_key(*deployment));
    }
  });
}

Result<LookAgain> DeploymentController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, deployment_name] = kube::parse_object_key(key);
  const ObjectPtr deployment = caches().deployments.find(ns, deployment_name);
  if (!deployment || kube::is_being_deleted(*deployment)) return LookAgain();
  const std::vector<ObjectPtr> owned =
      TRY(claim_owned(api(), caches().replica_sets, *deployment, name(), stop));
  Sets sets = sort_sets(*deployment, owned);
  if (!bool_at(*deployment, "spec.paused").value_or(false)) {
    TRY(roll(*deployment, sets, stop));
    TRY(clean_history(*deployment, sets, stop));
  } else if (sets.present) {
    TRY(scale(*deployment, *sets.present, replicas_of(*deployment), stop));
  }
  return report(*deployment, sets);
}

DeploymentController::Sets DeploymentController::sort_sets(
    const Json& deployment, const std::vector<ObjectPtr>& owned) const {
  Sets sets;
  for (const ObjectPtr& set : owned) {
    // Of several alike the oldest counts, as in Kubernetes.
    const bool older = !sets.present || string_at(*set, "metadata.creationTimestamp") <
                                            string_at(*sets.present, "metadata.creationTimestamp");
    if (has_template(*set, deployment) && older) {
      if (sets.present) sets.old.push_back(sets.present);
      sets.present = set;
    } else {
      sets.old.push_back(set);
    }
  }
  std::sort(sets.old.begin(), sets.old.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    return revision_of(*a) < revision_of(*b);
  });
  return sets;
}

Status DeploymentController::ensure_present(const Json& deployment,
                                            Sets& sets,
                                            std::stop_token stop) {
  std::int64_t newest_old = 0;
  for (const ObjectPtr& set : sets.old)
    newest_old = std::max(newest_old, revision_of(*set));
  const std::int64_t revision = sets.present && revision_of(*sets.present) > newest_old
                                    ? revision_of(*sets.present)
                                    : newest_old + 1;
  if (!sets.present) {
    sets.present = TRY(make_present(deployment, revision, stop));
  }
  return set_revision(deployment, *sets.present, revision, std::move(stop));
}

Result<ObjectPtr> DeploymentController::make_present(const Json& deployment,
                                                     std::int64_t revision,
                                                     std::stop_token stop) {
  const std::string hash = template_hash(*find(deployment, "spec.template"),
                                         int_at(deployment, "status.collisionCount").value_or(0));
  Json set = JsonObject{
      {"apiVersion", "apps/v1"},
      {"kind", "ReplicaSet"},
      {"metadata", JsonObject{{"name", fmt::format("{}-{}", kube::name_of(deployment), hash)},
                              {"namespace", kube::namespace_of(deployment)}}},
      {"spec", JsonObject{{"replicas", 0},
                          {"selector", *find(deployment, "spec.selector")},
                          {"template", *find(deployment, "spec.template")}}}};
  if (const Json* min_ready = find(deployment, "spec.minReadySeconds"))
    ensure(set, "spec.minReadySeconds") = *min_ready;
  ensure(set, "spec.selector.matchLabels").as_object()[kHashLabel] = hash;
  Json& labels = ensure(set, "spec.template.metadata.labels");
  labels.as_object()[kHashLabel] = hash;
  ensure(set, "metadata.labels") = labels;
  if (const JsonObject* annotations = kube::annotations_of(deployment)) {
    for (const auto& [key, value] : *annotations) {
      if (key != "kubectl.kubernetes.io/last-applied-configuration" && key != kRevisionAnnotation) {
        kube::set_annotation(set, key, as_text(&value));
      }
    }
  }
  kube::set_annotation(set, kRevisionAnnotation, fmt::format("{}", revision));
  kube::add_owner_reference(set, kube::owner_reference_to(deployment, true));
  auto made = create_seen(api(), caches().replica_sets, std::move(set), name(), std::move(stop));
  if (made) return std::make_shared<const Json>(std::move(*made));
  if (!made.error().is(Code::AlreadyExists)) return std::move(made).error();
  // Somebody else's set of that name: another hash next time.
  Json status =
      find(deployment, "status") != nullptr ? *find(deployment, "status") : Json(JsonObject());
  status.as_object()["collisionCount"] = int_at(status, "collisionCount").value_or(0) + 1;
  TRY(write_status(api(), resources::kDeployments, deployment, status, name()));
  return Error(Code::Conflict, "the name of the new ReplicaSet of {} is taken",
               kube::name_of(deployment));
}

Status DeploymentController::set_revision(const Json& deployment,
                                          const Json& set,
                                          std::int64_t revision,
                                          std::stop_token stop) {
  const std::string text = fmt::format("{}", revision);
  const Json patch = JsonObject{
      {"metadata", JsonObject{{"annotations", JsonObject{{kRevisionAnnotation, text}}}}}};
  if (revision_of(set) != revision)
    TRY(patch_seen(api(), caches().replica_sets, set, patch, name(), stop));
  if (kube::annotation_of(deployment, kRevisionAnnotation) == text) return Status();
  // Beside the status, as kube-controller-manager does it: annotations written otherwise raise the
  // generation, and the rollout would never be the observed one.
  auto written = api().modify(
      resources::kDeployments, kube::namespace_of(deployment), kube::name_of(deployment),
      [&](Json& live) -> Result<bool> {
        if (kube::uid_of(live) != kube::uid_of(deployment)) return false;
        kube::set_annotation(live, kRevisionAnnotation, text);
        return true;
      },
      write_status_as(name()));
  return written ? Status() : Status(Error(written.error()));
}

Status DeploymentController::roll(const Json& deployment, Sets& sets, std::stop_token stop) {
  const bool recreates = string_at(deployment, "spec.strategy.type") == "Recreate";
  if (recreates) {
    bool gone = true;
    for (const ObjectPtr& set : sets.old) {
      TRY(scale(deployment, *set, 0, stop));
      gone = gone && replicas_of(*set) == 0 && status_count(*set, "replicas") == 0;
    }
    if (!gone) return Status();
    return recreate(deployment, sets, std::move(stop));
  }
  TRY(ensure_present(deployment, sets, stop));
  // What was just written is in the cache; the counts below must be of it.
  const ObjectPtr present =
      caches().replica_sets.find(kube::namespace_of(*sets.present), kube::name_of(*sets.present));
  if (present) sets.present = present;
  TRY(roll_present_up(deployment, sets, stop));
  return roll_old_down(deployment, sets, std::move(stop));
}

// Only when no pod of the old sets is left, terminating ones included.
Status DeploymentController::recreate(const Json& deployment,
                                      const Sets& sets,
                                      std::stop_token stop) {
  for (const ObjectPtr& pod : caches().pods.list(kube::namespace_of(deployment))) {
    const auto owner = kube::controller_of(*pod);
    for (const ObjectPtr& set : sets.old) {
      const bool ended = string_at(*pod, "status.phase") == "Succeeded" ||
                         string_at(*pod, "status.phase") == "Failed";
      if (owner && owner->uid == kube::uid_of(*set) && !ended) {
        return Error(Code::Conflict, "pods of the former version of {} are still there",
                     kube::name_of(deployment));
      }
    }
  }
  Sets changed = sets;
  TRY(ensure_present(deployment, changed, stop));
  return scale(deployment, *changed.present, replicas_of(deployment), std::move(stop));
}

Status DeploymentController::roll_present_up(const Json& deployment,
                                             const Sets& sets,
                                             std::stop_token stop) {
  const std::int64_t wanted = replicas_of(deployment);
  const std::int64_t has = replicas_of(*sets.present);
  if (has >= wanted) return scale(deployment, *sets.present, wanted, std::move(stop));
  const std::int64_t room =
      wanted + limits_of(deployment).surge - sum(all_of(sets.present, sets.old), "spec.replicas");
  const std::int64_t more = std::min(wanted - has, std::max<std::int64_t>(0, room));
  return scale(deployment, *sets.present, has + more, std::move(stop));
}

Status DeploymentController::roll_old_down(const Json& deployment,
                                           const Sets& sets,
                                           std::stop_token stop) {
  const std::int64_t wanted = replicas_of(deployment);
  const std::int64_t needed = wanted - limits_of(deployment).unavailable;
  const std::int64_t total = sum(all_of(sets.present, sets.old), "spec.replicas");
  const std::int64_t present_missing =
      replicas_of(*sets.present) - status_count(*sets.present, "availableReplicas");
  std::int64_t spare = total - needed - std::max<std::int64_t>(0, present_missing);
  // What does not work anyway goes first: it is missed by nobody.
  for (const ObjectPtr& set : sets.old) {
    const std::int64_t broken = replicas_of(*set) - status_count(*set, "availableReplicas");
    const std::int64_t less = std::min(
        {replicas_of(*set), std::max<std::int64_t>(0, broken), std::max<std::int64_t>(0, spare)});
    if (less == 0) continue;
    spare -= less;
    TRY(scale(deployment, *set, replicas_of(*set) - less, stop));
  }
  std::int64_t available = sum(all_of(sets.present, sets.old), "status.availableReplicas") - needed;
  for (const ObjectPtr& set : sets.old) {
    const ObjectPtr fresh =
        caches().replica_sets.find(kube::namespace_of(*set), kube::name_of(*set));
    if (!fresh || available <= 0) continue;
    const std::int64_t less = std::min(replicas_of(*fresh), available);
    if (less == 0) continue;
    available -= less;
    TRY(scale(deployment, *fresh, replicas_of(*fresh) - less, stop));
  }
  return Status();
}

Status DeploymentController::scale(const Json& deployment,
                                   const Json& set,
                                   std::int64_t replicas,
                                   std::stop_token stop) {
  const std::int64_t before = replicas_of(set);
  const std::string wanted = fmt::format("{}", replicas_of(deployment));
  if (before == replicas &&
      kube::annotation_of(set, "deployment.kubernetes.io/desired-replicas") == wanted)
    return Status();
  const Json patch = JsonObject{
      {"metadata", JsonObject{{"annotations",
                               JsonObject{{"deployment.kubernetes.io/desired-replicas", wanted},
                                          {"deployment.kubernetes.io/max-replicas",
                                           fmt::format("{}", replicas_of(deployment) +
                                                                 limits_of(deployment).surge)}}}}},
      {"spec", JsonObject{{"replicas", replicas}}}};
  TRY(patch_seen(api(), caches().replica_sets, set, patch, name(), std::move(stop)));
  if (before == replicas) return Status();
  events().normal(
      deployment, "ScalingReplicaSet",
      fmt::format("Scaled {} replica set {} from {} to {}", before < replicas ? "up" : "down",
                  kube::name_of(set), before, replicas));
  return Status();
}

Status DeploymentController::clean_history(const Json& deployment,
                                           const Sets& sets,
                                           std::stop_token stop) {
  const std::int64_t kept = int_at(deployment, "spec.revisionHistoryLimit").value_or(10);
  std::int64_t surplus = static_cast<std::int64_t>(sets.old.size()) - kept;
  for (const ObjectPtr& set : sets.old) {
    if (surplus-- <= 0) break;
    const bool empty = replicas_of(*set) == 0 && status_count(*set, "replicas") == 0;
    if (empty && !kube::is_being_deleted(*set))
      TRY(remove_seen(api(), caches().replica_sets, *set, stop));
  }
  return Status();
}

Result<LookAgain> DeploymentController::report(const Json& deployment, const Sets& sets) {
  const std::vector<ObjectPtr> all = all_of(sets.present, sets.old);
  const std::int64_t wanted = replicas_of(deployment);
  const std::int64_t total = sum(all, "status.replicas");
  const std::int64_t available = sum(all, "status.availableReplicas");
  const std::int64_t updated = sets.present ? status_count(*sets.present, "replicas") : 0;
  const std::int64_t ready = sum(all, "status.readyReplicas");
  Json status = JsonObject{{"observedGeneration", kube::generation_of(deployment).value_or(0)}};
  JsonObject& fields = status.as_object();
  if (total > 0) fields["replicas"] = total;
  if (updated > 0) fields["updatedReplicas"] = updated;
  if (ready > 0) fields["readyReplicas"] = ready;
  if (available > 0) fields["availableReplicas"] = available;
  if (wanted > available) fields["unavailableReplicas"] = wanted - available;
  if (const Json* collisions = find(deployment, "status.collisionCount"))
    fields["collisionCount"] = *collisions;

  const JsonArray* before = array_at(deployment, "status.conditions");
  JsonArray conditions = before != nullptr ? *before : JsonArray();
  const bool enough = available >= wanted - limits_of(deployment).unavailable;
  (void)set_condition(conditions, "Available", enough,
                      enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                      enough ? "Deployment has minimum availability."
                             : "Deployment does not have minimum availability.",
                      now());
  const std::string_view set_name =
      sets.present ? kube::name_of(*sets.present) : std::string_view();
  const bool complete = updated == wanted && total == wanted && available == wanted;
  const Json* progressing = nullptr;
  for (const Json& condition : conditions) {
    if (string_at(condition, "type") == "Progressing") progressing = &condition;
  }
  auto since = parse_rfc3339(progressing != nullptr ? string_at(*progressing, "lastUpdateTime")
                                                    : std::string_view());
  const Duration deadline =
      std::chrono::seconds(int_at(deployment, "spec.progressDeadlineSeconds").value_or(600));
  const bool moved = int_at(deployment, "status.updatedReplicas").value_or(0) != updated ||
                     int_at(deployment, "status.availableReplicas").value_or(0) != available ||
                     total != int_at(deployment, "status.replicas").value_or(0);
  const bool late = !complete && !moved && since && *since + deadline <= now();
  if (complete) {
    (void)set_condition(conditions, "Progressing", true, "NewReplicaSetAvailable",
                        fmt::format("ReplicaSet \"{}\" has successfully progressed.", set_name),
                        now());
  } else if (late) {
    (void)set_condition(conditions, "Progressing", false, "ProgressDeadlineExceeded",
                        fmt::format("ReplicaSet \"{}\" has timed out progressing.", set_name),
                        now());
  } else {
    (void)set_condition(conditions, "Progressing", true, "ReplicaSetUpdated",
                        fmt::format("ReplicaSet \"{}\" is progressing.", set_name), now());
  }
  fields["conditions"] = std::move(conditions);
  TRY(write_status(api(), resources::kDeployments, deployment, status, name()));
  return complete || late ? LookAgain() : LookAgain(std::chrono::seconds(10));
}

}  // namespace lateen::sandbox
