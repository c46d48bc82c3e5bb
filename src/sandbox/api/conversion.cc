#include "sandbox/api/conversion.h"

#include <array>
#include <utility>

#include "kube/object.h"
#include "sandbox/crd/structural.h"

namespace lateen::sandbox {

namespace {

struct Renamed {
  std::string_view core;
  std::string_view events;
};

// k8s.io/kubernetes/pkg/apis/events/v1/conversion.go
constexpr std::array<Renamed, 7> kEventFields = {{{"involvedObject", "regarding"},
                                                  {"message", "note"},
                                                  {"source", "deprecatedSource"},
                                                  {"firstTimestamp", "deprecatedFirstTimestamp"},
                                                  {"lastTimestamp", "deprecatedLastTimestamp"},
                                                  {"count", "deprecatedCount"},
                                                  {"reportingComponent", "reportingController"}}};

Json rename_event(Json event, bool to_core) {
  JsonObject out;
  for (auto& member : event.as_object()) {
    std::string_view name = member.key();
    for (const Renamed& field : kEventFields) {
      if (name == (to_core ? field.events : field.core)) {
        name = to_core ? field.core : field.events;
        break;
      }
    }
    out[name] = std::move(member.value());
  }
  return out;
}

constexpr std::string_view kOtherMetrics = "autoscaling.alpha.kubernetes.io/metrics";

bool is_cpu_utilization(const Json& metric) {
  return string_at(metric, "type") == "Resource" && string_at(metric, "resource.name") == "cpu" &&
         find(metric, "resource.target.averageUtilization") != nullptr;
}

// v2 → v1: the one metric that v1 knows has a field, the others wait in an annotation.
Json autoscaler_to_v1(Json object) {
  JsonArray others;
  if (const JsonArray* metrics = array_at(object, "spec.metrics")) {
    const JsonArray all = *metrics;
    for (const Json& metric : all) {
      const Json* percentage = find(metric, "resource.target.averageUtilization");
      if (is_cpu_utilization(metric)) {
        ensure(object, "spec.targetCPUUtilizationPercentage") = *percentage;
      } else {
        others.push_back(metric);
      }
    }
  }
  erase(object, "spec.metrics");
  erase(object, "spec.behavior");
  erase(object, "status.currentMetrics");
  erase(object, "status.conditions");
  if (!others.empty()) kube::set_annotation(object, kOtherMetrics, write_json(others));
  return object;
}

Json autoscaler_to_v2(Json object) {
  JsonArray metrics;
  const std::string kept(kube::annotation_of(object, kOtherMetrics));
  if (const auto others = parse_json(kept); others && others->is_array())
    metrics = others->as_array();
  if (!kept.empty()) kube::remove_annotation(object, kOtherMetrics);
  if (const auto percentage = int_at(object, "spec.targetCPUUtilizationPercentage")) {
    metrics.push_back(
        {{"type", "Resource"},
         {"resource",
          {{"name", "cpu"},
           {"target", {{"type", "Utilization"}, {"averageUtilization", *percentage}}}}}});
  }
  erase(object, "spec.targetCPUUtilizationPercentage");
  erase(object, "status.currentCPUUtilizationPercentage");
  if (!metrics.empty()) ensure(object, "spec.metrics") = std::move(metrics);
  return object;
}

Json converted(const ServedType& type, Json object, bool to_storage) {
  if (type.resource() == "events") return rename_event(std::move(object), to_storage);
  if (type.resource() == "horizontalpodautoscalers") {
    return to_storage ? autoscaler_to_v2(std::move(object)) : autoscaler_to_v1(std::move(object));
  }
  return object;
}

}  // namespace

Json to_served(const ServedType& type, Json stored) {
  if (!stored.is_object()) return stored;
  // A custom resource may lie there in what was the storage version when it was written.
  const std::string api_version = type.api_version();
  if (type.is_storage_version() && (!type.custom || kube::api_version_of(stored) == api_version))
    return stored;
  Json served = type.custom ? std::move(stored) : converted(type, std::move(stored), false);
  served.as_object()["apiVersion"] = api_version;
  if (type.custom) {
    prune_unknown_fields(type.custom->schema, served);
    apply_schema_defaults(type.custom->schema, served);
  }
  return served;
}

Json to_storage(const ServedType& type, Json served) {
  if (type.is_storage_version() || !served.is_object()) return served;
  Json stored = type.custom ? std::move(served) : converted(type, std::move(served), true);
  stored.as_object()["apiVersion"] = type.storage_api_version;
  return stored;
}

}  // namespace lateen::sandbox
