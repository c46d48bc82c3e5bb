#include "restore/merge_rules.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace lateen::restore {
namespace {

bool is_container_list(std::string_view field) {
  return field == "containers" || field == "initContainers" || field == "ephemeralContainers";
}

struct ListKey {
  std::string_view field;
  std::string_view key;
};

// Lists of a pod's spec, wherever a template has it.
constexpr std::array<ListKey, 8> kOfPodSpec = {{{"containers", "name"},
                                                {"initContainers", "name"},
                                                {"ephemeralContainers", "name"},
                                                {"volumes", "name"},
                                                {"imagePullSecrets", "name"},
                                                {"hostAliases", "ip"},
                                                {"topologySpreadConstraints", "topologyKey"},
                                                {"schedulingGates", "name"}}};
constexpr std::array<ListKey, 4> kOfContainer = {{{"ports", "containerPort"},
                                                  {"env", "name"},
                                                  {"volumeMounts", "mountPath"},
                                                  {"volumeDevices", "devicePath"}}};

template <std::size_t N>
kube::MergeRule by_key(const std::array<ListKey, N>& keys, std::string_view field) {
  for (const ListKey& one : keys) {
    if (one.field == field) return {.merge = true, .merge_key = std::string(one.key)};
  }
  return {};
}

bool has_pod_spec(std::string_view kind) {
  constexpr std::array<std::string_view, 8> kKinds = {"pods",
                                                      "replicationcontrollers",
                                                      "deployments.apps",
                                                      "statefulsets.apps",
                                                      "daemonsets.apps",
                                                      "replicasets.apps",
                                                      "jobs.batch",
                                                      "cronjobs.batch"};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

// The path of a pod's spec: "spec" of a pod, "….template.spec" of what makes pods.
bool is_pod_spec(std::string_view kind, std::span<const std::string_view> path) {
  if (path.empty() || path.back() != "spec" || !has_pod_spec(kind)) return false;
  return kind == "pods" ? path.size() == 1
                        : path.size() >= 2 && path[path.size() - 2] == "template";
}

}  // namespace

bool has_merge_rules(std::string_view group_resource) {
  const Cut parts = cut(group_resource, ".");
  constexpr std::array<std::string_view, 5> kPlain = {"apps", "batch", "autoscaling", "policy",
                                                      "extensions"};
  if (!parts.found || std::find(kPlain.begin(), kPlain.end(), parts.after) != kPlain.end())
    return true;
  // snapshot.storage.k8s.io and its like are custom resources of the same suffix.
  constexpr std::array<std::string_view, 10> kDotted = {"admissionregistration.k8s.io",
                                                        "certificates.k8s.io",
                                                        "coordination.k8s.io",
                                                        "discovery.k8s.io",
                                                        "events.k8s.io",
                                                        "networking.k8s.io",
                                                        "node.k8s.io",
                                                        "rbac.authorization.k8s.io",
                                                        "scheduling.k8s.io",
                                                        "storage.k8s.io"};
  return std::find(kDotted.begin(), kDotted.end(), parts.after) != kDotted.end();
}

kube::MergeRule BuiltInMergeSchema::rule(std::span<const std::string_view> path) const {
  if (path.empty()) return {};
  const std::string_view field = path.back();
  const std::span<const std::string_view> parent = path.first(path.size() - 1);
  if (!parent.empty() && parent.back() == "metadata") {
    if (field == "ownerReferences") return {.merge = true, .merge_key = "uid"};
    if (field == "finalizers") return {.merge = true, .merge_key = {}};
  }
  if (is_pod_spec(kind_, parent)) return by_key(kOfPodSpec, field);
  if (!parent.empty() && is_container_list(parent.back()) &&
      is_pod_spec(kind_, parent.first(parent.size() - 1))) {
    return by_key(kOfContainer, field);
  }
  if (kind_ == "services" && field == "ports" && parent.size() == 1) {
    return {.merge = true, .merge_key = "port"};
  }
  if (kind_ == "serviceaccounts" && parent.empty() &&
      (field == "secrets" || field == "imagePullSecrets")) {
    return {.merge = true, .merge_key = "name"};
  }
  if (field == "webhooks" && parent.empty()) return {.merge = true, .merge_key = "name"};
  if (field == "conditions" && !parent.empty() && parent.back() == "status") {
    return {.merge = true, .merge_key = "type"};
  }
  return {};
}

}  // namespace lateen::restore
