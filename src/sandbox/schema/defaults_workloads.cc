// Defaults of the kinds of apps/v1, batch/v1 and autoscaling.
#include <limits>

#include "sandbox/schema/defaults_parts.h"
#include "sandbox/schema/edit.h"

namespace lateen::sandbox::schema {
namespace {

void default_deployment(JsonObject& spec) {
  set_default(spec, "replicas", 1);
  JsonObject& strategy = ensure_object(spec, "strategy");
  set_default(strategy, "type", "RollingUpdate");
  if (text_member(strategy, "type") == "RollingUpdate") {
    JsonObject& rolling = ensure_object(strategy, "rollingUpdate");
    set_default(rolling, "maxUnavailable", "25%");
    set_default(rolling, "maxSurge", "25%");
  }
  set_default(spec, "revisionHistoryLimit", 10);
  set_default(spec, "progressDeadlineSeconds", 600);
}

void default_daemon_set(JsonObject& spec) {
  JsonObject& strategy = ensure_object(spec, "updateStrategy");
  set_default(strategy, "type", "RollingUpdate");
  if (text_member(strategy, "type") == "RollingUpdate") {
    JsonObject& rolling = ensure_object(strategy, "rollingUpdate");
    set_default(rolling, "maxUnavailable", 1);
    set_default(rolling, "maxSurge", 0);
  }
  set_default(spec, "revisionHistoryLimit", 10);
}

void default_claim_template(JsonObject& claim) {
  claim["kind"] = "PersistentVolumeClaim";
  claim["apiVersion"] = "v1";
  default_claim_spec(ensure_object(claim, "spec"));
  set_default(ensure_object(claim, "status"), "phase", "Pending");
}

void default_stateful_set(JsonObject& spec) {
  set_default(spec, "podManagementPolicy", "OrderedReady");
  JsonObject& strategy = ensure_object(spec, "updateStrategy");
  set_default(strategy, "type", "RollingUpdate");
  if (text_member(strategy, "type") == "RollingUpdate") {
    set_default(ensure_object(strategy, "rollingUpdate"), "partition", 0);
  }
  JsonObject& retention = ensure_object(spec, "persistentVolumeClaimRetentionPolicy");
  set_default(retention, "whenDeleted", "Retain");
  set_default(retention, "whenScaled", "Retain");
  set_default(spec, "replicas", 1);
  set_default(spec, "revisionHistoryLimit", 10);
  for_each_object(spec, "volumeClaimTemplates", default_claim_template);
}

// A Job without labels takes its pods'.
void default_job_labels(JsonObject& object) {
  JsonObject& metadata = ensure_object(object, "metadata");
  const JsonObject* own = object_member(metadata, "labels");
  if (own != nullptr && !own->empty()) return;
  const Json* labels = member_at(object, "spec.template.metadata.labels");
  if (labels == nullptr || !labels->is_object() || labels->get_object().empty()) return;
  Json copy = *labels;
  metadata["labels"] = std::move(copy);
}

void default_job(JsonObject& object) {
  JsonObject& spec = ensure_object(object, "spec");
  const bool none_said =
      member(spec, "completions") == nullptr && member(spec, "parallelism") == nullptr;
  if (none_said) set_default(spec, "completions", 1);
  set_default(spec, "parallelism", 1);
  const bool per_index = member(spec, "backoffLimitPerIndex") != nullptr;
  set_default(spec, "backoffLimit", per_index ? std::numeric_limits<std::int32_t>::max() : 6);
  set_default(spec, "completionMode", "NonIndexed");
  set_default(spec, "suspend", false);
  set_default(spec, "manualSelector", false);
  const bool has_failure_policy = object_member(spec, "podFailurePolicy") != nullptr;
  set_default(spec, "podReplacementPolicy", has_failure_policy ? "Failed" : "TerminatingOrFailed");
  if (JsonObject* failure_policy = object_member(spec, "podFailurePolicy")) {
    for_each_object(*failure_policy, "rules", [](JsonObject& rule) {
      for_each_object(rule, "onPodConditions",
                      [](JsonObject& pattern) { set_default(pattern, "status", "True"); });
    });
  }
  default_pod_template(spec);
  default_job_labels(object);
}

void default_cron_job(JsonObject& object) {
  JsonObject& spec = ensure_object(object, "spec");
  set_default(spec, "concurrencyPolicy", "Allow");
  set_default(spec, "suspend", false);
  set_default(spec, "successfulJobsHistoryLimit", 3);
  set_default(spec, "failedJobsHistoryLimit", 1);
  // Not the Job's own defaults: those come when the Job is made.
  JsonObject* job = object_member(spec, "jobTemplate");
  JsonObject* job_spec = job != nullptr ? object_member(*job, "spec") : nullptr;
  if (job_spec == nullptr) return;
  default_pod_template(*job_spec);
  if (JsonObject* failure_policy = object_member(*job_spec, "podFailurePolicy")) {
    for_each_object(*failure_policy, "rules", [](JsonObject& rule) {
      for_each_object(rule, "onPodConditions",
                      [](JsonObject& pattern) { set_default(pattern, "status", "True"); });
    });
  }
}

JsonObject scaling_policy(std::string_view type, int value) {
  return {{"type", type}, {"value", value}, {"periodSeconds", 15}};
}

void default_scaling_rules(JsonObject& behavior) {
  JsonObject& up = ensure_object(behavior, "scaleUp");
  set_default(up, "stabilizationWindowSeconds", 0);
  set_default(up, "selectPolicy", "Max");
  set_default(up, "policies", JsonArray{scaling_policy("Pods", 4), scaling_policy("Percent", 100)});
  JsonObject& down = ensure_object(behavior, "scaleDown");
  set_default(down, "selectPolicy", "Max");
  set_default(down, "policies", JsonArray{scaling_policy("Percent", 100)});
}

void default_autoscaler(JsonObject& spec) {
  const JsonArray* metrics = array_member(spec, "metrics");
  if (metrics == nullptr || metrics->empty()) {
    const JsonObject target{{"type", "Utilization"}, {"averageUtilization", 80}};
    JsonObject metric{{"type", "Resource"},
                      {"resource", JsonObject{{"name", "cpu"}, {"target", target}}}};
    spec["metrics"] = JsonArray{std::move(metric)};
  }
  if (JsonObject* behavior = object_member(spec, "behavior")) default_scaling_rules(*behavior);
}

}  // namespace

bool default_apps_kind(std::string_view kind, JsonObject& object) {
  if (kind == "ControllerRevision") return false;
  JsonObject& spec = ensure_object(object, "spec");
  if (kind == "Deployment") {
    default_deployment(spec);
  } else if (kind == "DaemonSet") {
    default_daemon_set(spec);
  } else if (kind == "StatefulSet") {
    default_stateful_set(spec);
  } else if (kind == "ReplicaSet") {
    set_default(spec, "replicas", 1);
  } else {
    return false;
  }
  default_pod_template(spec);
  return true;
}

bool default_batch_kind(std::string_view kind, JsonObject& object) {
  if (kind == "Job") {
    default_job(object);
  } else if (kind == "CronJob") {
    default_cron_job(object);
  } else {
    return false;
  }
  return true;
}

bool default_autoscaling_kind(std::string_view version, std::string_view kind, JsonObject& object) {
  if (kind != "HorizontalPodAutoscaler") return false;
  JsonObject& spec = ensure_object(object, "spec");
  set_default(spec, "minReplicas", 1);
  if (version == "v2") default_autoscaler(spec);
  return true;
}

}  // namespace lateen::sandbox::schema
