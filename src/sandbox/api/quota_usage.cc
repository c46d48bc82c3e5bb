#include "sandbox/api/quota_usage.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kOfClass = ".storageclass.storage.k8s.io/";

Quantity quantity_of(const Json& value) {
  auto parsed = Quantity::parse(as_text(&value));
  return parsed ? std::move(*parsed) : Quantity();
}

// resources.requests or .limits of one container, by resource.
Usage resources_of(const Json& container, std::string_view which) {
  Usage usage;
  const JsonObject* const members = object_at(container, fmt::format("resources.{}", which));
  if (members == nullptr) return usage;
  for (const auto& [name, value] : *members)
    usage[std::string(name)] = quantity_of(value);
  return usage;
}

// Containers run together, init containers one after another before them.
Usage pod_resources(const Json& pod, std::string_view which) {
  Usage sum;
  const JsonArray* const containers = array_at(pod, "spec.containers");
  for (const Json& container : containers == nullptr ? JsonArray() : *containers)
    for (const auto& [name, quantity] : resources_of(container, which))
      sum[name] = sum[name] + quantity;
  const JsonArray* const inits = array_at(pod, "spec.initContainers");
  for (const Json& container : inits == nullptr ? JsonArray() : *inits)
    for (const auto& [name, quantity] : resources_of(container, which))
      sum[name] = std::max(sum[name], quantity);
  return sum;
}

void count_pod(const Json& pod, Usage& usage) {
  const std::string_view phase = string_at(pod, "status.phase");
  if (phase == "Succeeded" || phase == "Failed") return;
  usage["pods"] = Quantity::from(1);
  for (const auto& [name, quantity] : pod_resources(pod, "requests")) {
    usage[fmt::format("requests.{}", name)] = quantity;
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage") usage[name] = quantity;
  }
  for (const auto& [name, quantity] : pod_resources(pod, "limits"))
    usage[fmt::format("limits.{}", name)] = quantity;
}

void count_claim(const Json& claim, Usage& usage) {
  const Json* const size = find(claim, "spec.resources.requests.storage");
  const Quantity storage = size == nullptr ? Quantity() : quantity_of(*size);
  usage["persistentvolumeclaims"] = Quantity::from(1);
  usage["requests.storage"] = storage;
  const std::string_view storage_class = string_at(claim, "spec.storageClassName");
  if (storage_class.empty()) return;
  usage[fmt::format("{}{}persistentvolumeclaims", storage_class, kOfClass)] = Quantity::from(1);
  usage[fmt::format("{}{}requests.storage", storage_class, kOfClass)] = storage;
}

void count_service(const Json& service, Usage& usage) {
  usage["services"] = Quantity::from(1);
  const std::string_view type = string_at(service, "spec.type");
  const bool balanced = type == "LoadBalancer";
  if (balanced) usage["services.loadbalancers"] = Quantity::from(1);
  const JsonArray* const ports = array_at(service, "spec.ports");
  if ((balanced || type == "NodePort") && ports != nullptr)
    usage["services.nodeports"] = Quantity::from(static_cast<std::int64_t>(ports->size()));
}

}  // namespace

Usage usage_of(std::string_view group, std::string_view resource, const Json& object) {
  Usage usage;
  const bool core = group.empty();
  usage[core ? fmt::format("count/{}", resource) : fmt::format("count/{}.{}", resource, group)] =
      Quantity::from(1);
  if (!core) return usage;
  if (resource == "pods") {
    count_pod(object, usage);
  } else if (resource == "persistentvolumeclaims") {
    count_claim(object, usage);
  } else if (resource == "services") {
    count_service(object, usage);
  } else if (resource == "configmaps" || resource == "secrets" || resource == "resourcequotas" ||
             resource == "replicationcontrollers") {
    usage[std::string(resource)] = Quantity::from(1);
  }
  return usage;
}

Usage limits_of(const Json& quota) {
  Usage limits;
  const JsonArray* const scopes = array_at(quota, "spec.scopes");
  const bool scoped =
      (scopes != nullptr && !scopes->empty()) || find(quota, "spec.scopeSelector") != nullptr;
  const JsonObject* const hard = object_at(quota, "spec.hard");
  if (scoped || hard == nullptr) return limits;
  for (const auto& [name, value] : *hard)
    limits[std::string(name)] = quantity_of(value);
  return limits;
}

std::string storage_key_of_limit(std::string_view limit) {
  if (limit.starts_with("count/")) {
    const Cut parts = cut(limit.substr(6), ".");
    return parts.found ? fmt::format("{}/{}", parts.after, parts.before)
                       : std::string(parts.before);
  }
  if (limit == "requests.storage" || limit == "persistentvolumeclaims" ||
      limit.find(kOfClass) != std::string_view::npos)
    return "persistentvolumeclaims";
  if (limit.starts_with("requests.") || limit.starts_with("limits.") || limit == "cpu" ||
      limit == "memory" || limit == "ephemeral-storage")
    return "pods";
  if (limit.starts_with("services.")) return "services";
  return std::string(limit);
}

void add_limited(Usage& sum, const Usage& more, const Usage& limits) {
  for (const auto& [name, quantity] : more) {
    if (limits.contains(name)) sum[name] = sum[name] + quantity;
  }
}

std::string usage_text(const Usage& usage) {
  std::string text;
  for (const auto& [name, quantity] : usage)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, quantity.format());
  return text;
}

}  // namespace lateen::sandbox
