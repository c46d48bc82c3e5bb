// apps/v1, batch/v1 and autoscaling.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/cron.h"
#include "kube/selector.h"
#include "sandbox/schema/validation_parts.h"

namespace lateen::sandbox::schema {
namespace {

const Json& nothing() {
  static const Json empty = JsonObject();
  return empty;
}

const Json& part(const Json& object, std::string_view path) {
  const Json* found = find(object, path);
  return found != nullptr ? *found : nothing();
}

bool is_zero_amount(const Json* value) {
  return value == nullptr || value->is_null() || *value == Json(0) || *value == Json("0%") ||
         *value == Json("0");
}

// A StatefulSet's pods get a volume for each of its claim templates, which their containers may
// mount.
Json with_claimed_volumes(const Json& object, Json pod_spec) {
  const JsonArray* claims = array_at(object, "spec.volumeClaimTemplates");
  if (claims == nullptr || !pod_spec.is_object()) return pod_spec;
  Json& volumes = ensure(pod_spec, "volumes");
  JsonArray all;
  if (const JsonArray* own = volumes.if_array()) all = *own;
  for (const Json& claim : *claims) {
    const std::string_view name = string_at(claim, "metadata.name");
    const auto own = std::find_if(all.begin(), all.end(), [name](const Json& volume) {
      return string_at(volume, "name") == name;
    });
    if (own != all.end()) all.erase(own);
    all.emplace_back(
        JsonObject{{"name", name}, {"persistentVolumeClaim", JsonObject{{"claimName", name}}}});
  }
  volumes = std::move(all);
  return pod_spec;
}

void check_template(const Json& object, const std::string& field, FieldErrors& errors) {
  const Json& pod = part(object, field);
  check_label_map(find(pod, "metadata.labels"), field + ".metadata.labels", errors);
  check_pod_spec(with_claimed_volumes(object, part(pod, "spec")), field + ".spec", errors);
}

void check_always_restarted(const Json& object, FieldErrors& errors) {
  constexpr std::string_view kPath = "spec.template.spec.restartPolicy";
  const Json* policy = find(object, kPath);
  if (policy != nullptr && as_text(policy) != "Always") {
    errors.push_back(not_supported(std::string(kPath), *policy, {"Always"}));
  }
  if (find(object, "spec.template.spec.activeDeadlineSeconds") != nullptr) {
    errors.push_back(forbidden("spec.template.spec.activeDeadlineSeconds",
                               "activeDeadlineSeconds in pod spec is not supported in this kind"));
  }
}

void check_deployment(const Json& object, FieldErrors& errors) {
  check_not_negative(object, "spec.replicas", errors);
  check_selected_template(object, "deployment", errors);
  check_template(object, "spec.template", errors);
  check_always_restarted(object, errors);
  check_one_of(object, "spec.strategy.type", {"Recreate", "RollingUpdate"}, errors);
  const Json* rolling = find(object, "spec.strategy.rollingUpdate");
  if (string_at(object, "spec.strategy.type") == "Recreate" && rolling != nullptr &&
      !rolling->is_null()) {
    errors.push_back(forbidden("spec.strategy.rollingUpdate",
                               "may not be specified when strategy `type` is 'Recreate'"));
  } else if (rolling != nullptr && is_zero_amount(find(*rolling, "maxUnavailable")) &&
             is_zero_amount(find(*rolling, "maxSurge"))) {
    errors.push_back(invalid("spec.strategy.rollingUpdate.maxUnavailable",
                             part(*rolling, "maxUnavailable"),
                             "may not be 0 when `maxSurge` is 0"));
  }
  check_not_negative(object, "spec.minReadySeconds", errors);
  check_not_negative(object, "spec.revisionHistoryLimit", errors);
  const auto deadline = int_at(object, "spec.progressDeadlineSeconds");
  if (deadline && *deadline <= int_at(object, "spec.minReadySeconds").value_or(0)) {
    errors.push_back(invalid("spec.progressDeadlineSeconds", Json(*deadline),
                             "must be greater than minReadySeconds"));
  }
}

// The pods' spec is not looked at: its mounts may be of volumes that only the claim templates make.
// A real server leaves it to the creation of the pods too.
void check_stateful_set(const Json& object, FieldErrors& errors) {
  for (const std::string_view path :
       {"spec.replicas", "spec.minReadySeconds", "spec.revisionHistoryLimit",
        "spec.updateStrategy.rollingUpdate.partition"}) {
    check_not_negative(object, path, errors);
  }
  check_one_of(object, "spec.podManagementPolicy", {"OrderedReady", "Parallel"}, errors);
  check_one_of(object, "spec.updateStrategy.type", {"OnDelete", "RollingUpdate"}, errors);
  check_selected_template(object, "statefulset", errors);
  check_label_map(find(object, "spec.template.metadata.labels"), "spec.template.labels", errors);
  check_always_restarted(object, errors);
}

void check_daemon_set(const Json& object, FieldErrors& errors) {
  check_selected_template(object, "daemonset", errors);
  check_template(object, "spec.template", errors);
  check_always_restarted(object, errors);
  check_not_negative(object, "spec.minReadySeconds", errors);
  check_not_negative(object, "spec.revisionHistoryLimit", errors);
  check_one_of(object, "spec.updateStrategy.type", {"OnDelete", "RollingUpdate"}, errors);
}

void check_replica_set(const Json& object, FieldErrors& errors) {
  check_not_negative(object, "spec.replicas", errors);
  check_not_negative(object, "spec.minReadySeconds", errors);
  check_selected_template(object, "deployment", errors);
  check_template(object, "spec.template", errors);
  check_always_restarted(object, errors);
}

void check_run_to_end(const Json& object, const std::string& field, FieldErrors& errors) {
  const std::string path = field + ".template.spec.restartPolicy";
  const std::string_view policy = string_at(object, path);
  if (policy != "OnFailure" && policy != "Never") {
    errors.push_back(required(path, "valid values: \"OnFailure\", \"Never\""));
  }
}

constexpr std::array<std::string_view, 4> kJobLabels = {"batch.kubernetes.io/controller-uid",
                                                        "controller-uid",
                                                        "batch.kubernetes.io/job-name", "job-name"};

// Labels and selector that the server made, or would have made: someone else's are refused.
void check_generated_selector(const Json& object, FieldErrors& errors) {
  if (bool_at(object, "spec.manualSelector").value_or(false)) return;
  const std::string_view uid = string_at(object, "metadata.uid");
  const std::string_view name = string_at(object, "metadata.name");
  if (uid.empty()) {
    errors.push_back(required("metadata.uid", ""));
    return;
  }
  const Json* labels = find(object, "spec.template.metadata.labels");
  JsonObject expected;
  for (const std::string_view key : kJobLabels) {
    const std::string_view value = key.ends_with("job-name") ? name : uid;
    expected.emplace(key, value);
    const Json* actual = labels != nullptr ? find(*labels, JsonKey{key}) : nullptr;
    const std::string field = fmt::format("spec.template.metadata.labels[{}]", key);
    if (actual == nullptr) {
      errors.push_back(required(field, fmt::format("must be '{}'", value)));
    } else if (as_text(actual) != value) {
      errors.push_back(invalid(field, *labels, fmt::format("must be '{}'", value)));
    }
  }
  const Json* wanted = find(object, "spec.selector.matchLabels");
  if (wanted == nullptr || !wanted->is_object()) return;
  for (const auto& [key, value] : wanted->get_object()) {
    const Json* own = expected.if_contains(key);
    if (own == nullptr || *own != value) {
      errors.push_back(
          invalid("spec.selector", part(object, "spec.selector"), "`selector` not auto-generated"));
      return;
    }
  }
}

void check_job(const Json& object, FieldErrors& errors) {
  for (const std::string_view path :
       {"spec.parallelism", "spec.completions", "spec.activeDeadlineSeconds", "spec.backoffLimit",
        "spec.ttlSecondsAfterFinished"}) {
    check_not_negative(object, path, errors);
  }
  check_one_of(object, "spec.completionMode", {"NonIndexed", "Indexed"}, errors);
  if (find(object, "spec.selector") == nullptr) errors.push_back(required("spec.selector", ""));
  check_template(object, "spec.template", errors);
  check_run_to_end(object, "spec", errors);
  check_generated_selector(object, errors);
}

void check_cron_job(const Json& object, FieldErrors& errors) {
  const std::string_view schedule = string_at(object, "spec.schedule");
  if (schedule.empty()) {
    errors.push_back(required("spec.schedule", ""));
  } else if (const auto parsed = CronSchedule::parse(schedule); !parsed) {
    errors.push_back(invalid("spec.schedule", Json(schedule), parsed.error().message()));
  } else if (schedule.find("TZ") != std::string_view::npos) {
    errors.push_back(invalid("spec.schedule", Json(schedule),
                             "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
  }
  check_one_of(object, "spec.concurrencyPolicy", {"Allow", "Forbid", "Replace"}, errors);
  for (const std::string_view path :
       {"spec.startingDeadlineSeconds", "spec.successfulJobsHistoryLimit",
        "spec.failedJobsHistoryLimit"}) {
    check_not_negative(object, path, errors);
  }
  const std::string_view name = string_at(object, "metadata.name");
  if (name.size() > 52)
    errors.push_back(invalid("metadata.name", Json(name), "must be no more than 52 characters"));
  check_template(object, "spec.jobTemplate.spec.template", errors);
  check_run_to_end(object, "spec.jobTemplate.spec", errors);
}

constexpr std::string_view kStatefulSetText =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
    "forbidden";

constexpr std::array<std::string_view, 7> kStatefulSetMayChange = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds"};

void check_stateful_set_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  const auto fixed = [](const Json& of) {
    const JsonObject* spec = object_at(of, "spec");
    JsonObject rest = spec != nullptr ? *spec : JsonObject();
    for (const std::string_view key : kStatefulSetMayChange)
      erase(rest, JsonKey{key});
    return rest;
  };
  if (fixed(old_object) != fixed(object))
    errors.push_back(forbidden("spec", std::string(kStatefulSetText)));
}

void check_job_update(const Json& old_object, const Json& object, FieldErrors& errors) {
  const bool indexed = string_at(object, "spec.completionMode") == "Indexed";
  if (!indexed) check_immutable(old_object, object, "spec.completions", errors);
  check_immutable(old_object, object, "spec.selector", errors);
  // A suspended Job that never ran may still be given other nodes and resources.
  const bool open = bool_at(old_object, "spec.suspend").value_or(false) &&
                    find(old_object, "status.startTime") == nullptr;
  if (!open) check_immutable(old_object, object, "spec.template", errors);
  for (const std::string_view path :
       {"spec.completionMode", "spec.podFailurePolicy", "spec.backoffLimitPerIndex",
        "spec.managedBy", "spec.successPolicy"}) {
    check_immutable(old_object, object, path, errors);
  }
}

}  // namespace

void check_selected_template(const Json& object, std::string_view what, FieldErrors& errors) {
  const Json* selector = find(object, "spec.selector");
  if (selector == nullptr || selector->is_null()) {
    errors.push_back(required("spec.selector", ""));
  } else if (selector->is_object() && same_value(find(*selector, "matchLabels"), nullptr) &&
             same_value(find(*selector, "matchExpressions"), nullptr)) {
    errors.push_back(
        invalid("spec.selector", *selector, fmt::format("empty selector is invalid for {}", what)));
  } else {
    const Json& labels = part(object, "spec.template.metadata.labels");
    const auto parsed = kube::LabelSelector::from_json(selector);
    if (!parsed) {
      errors.push_back(invalid("spec.selector", *selector, "invalid label selector"));
    } else if (!parsed->matches(labels.if_object())) {
      errors.push_back(invalid("spec.template.metadata.labels", labels,
                               "`selector` does not match template `labels`"));
    }
  }
}

void check_apps_kind(std::string_view kind, const Json& object, FieldErrors& errors) {
  if (kind == "Deployment") check_deployment(object, errors);
  if (kind == "StatefulSet") check_stateful_set(object, errors);
  if (kind == "DaemonSet") check_daemon_set(object, errors);
  if (kind == "ReplicaSet") check_replica_set(object, errors);
}

void check_batch_kind(std::string_view kind, const Json& object, FieldErrors& errors) {
  if (kind == "Job") check_job(object, errors);
  if (kind == "CronJob") check_cron_job(object, errors);
}

void check_workload_update(std::string_view kind,
                           const Json& old_object,
                           const Json& object,
                           FieldErrors& errors) {
  if (kind == "StatefulSet") {
    check_stateful_set_update(old_object, object, errors);
  } else if (kind == "Job") {
    check_job_update(old_object, object, errors);
  } else if (kind == "Deployment" || kind == "ReplicaSet" || kind == "DaemonSet") {
    check_immutable(old_object, object, "spec.selector", errors);
  } else if (kind == "ControllerRevision") {
    check_immutable(old_object, object, "data", errors);
  }
}

}  // namespace lateen::sandbox::schema
