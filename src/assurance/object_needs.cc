#include "assurance/object_needs.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assurance/pod_template.h"
#include "assurance/text_search.h"
#include "base/text.h"
#include "kube/object.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kStorageClasses = "storageclasses.storage.k8s.io";
constexpr std::string_view kPriorityClasses = "priorityclasses.scheduling.k8s.io";
constexpr std::string_view kRuntimeClasses = "runtimeclasses.node.k8s.io";
constexpr std::string_view kIngressClasses = "ingressclasses.networking.k8s.io";
constexpr std::string_view kClusterRoles = "clusterroles.rbac.authorization.k8s.io";
constexpr std::string_view kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

struct NeededKind {
  std::string_view group_resource;
  std::string_view id;
  std::string_view what_happens;
  std::string_view advice;
};

constexpr std::array<NeededKind, 7> kNeeded = {{
    {kStorageClasses, "missing-storage-class", "claims of it stay Pending",
     "Create the class first, or map it to another with a ConfigMap of change-storage-class."},
    {kPriorityClasses, "missing-priority-class", "pods that name it are refused",
     "Include priorityclasses in the backup, or create it before the restore."},
    {kRuntimeClasses, "missing-runtime-class", "pods that name it are refused",
     "Create it before the restore."},
    {kIngressClasses, "missing-ingress-class", "no controller serves ingresses of it",
     "Install the ingress controller before the restore."},
    {kClusterRoles, "missing-cluster-role", "bindings to it give no rights",
     "Include cluster resources in the backup, or create the role before the restore."},
    {"secrets", "missing-pull-secret", "images of private registries cannot be pulled",
     "Include the Secret in the backup, or create it before the restore."},
    {kDefinitions, "missing-crd", "its custom resources cannot be restored",
     "Include customresourcedefinitions in the backup, or install the operator before the "
     "restore."},
}};

const NeededKind& kind_of_need(std::string_view group_resource) {
  const auto at = std::ranges::find(kNeeded, group_resource, &NeededKind::group_resource);
  LATEEN_ASSERT(at != kNeeded.end(), "needs are made of this table");
  return *at;
}

class NeedList {
 public:
  void add(std::string_view group_resource, std::string_view ns, std::string_view name) {
    if (name.empty()) return;
    all_.push_back({.id = std::string(kind_of_need(group_resource).id),
                    .group_resource = std::string(group_resource),
                    .ns = std::string(ns),
                    .name = std::string(name)});
  }

  std::vector<Need> take() {
    std::ranges::sort(all_);
    const auto [first, last] = std::ranges::unique(all_);
    all_.erase(first, last);
    return std::move(all_);
  }

 private:
  std::vector<Need> all_;
};

void add_pull_secrets(const Json& of, std::string_view ns, NeedList& needs) {
  const JsonArray* secrets = array_at(of, "imagePullSecrets");
  if (secrets == nullptr) return;
  for (const Json& one : *secrets)
    needs.add("secrets", ns, string_at(one, "name"));
}

void add_pod_needs(const Json& pod_spec, std::string_view ns, NeedList& needs) {
  const std::string_view priority = string_at(pod_spec, "priorityClassName");
  if (!priority.starts_with("system-")) needs.add(kPriorityClasses, "", priority);
  needs.add(kRuntimeClasses, "", string_at(pod_spec, "runtimeClassName"));
  add_pull_secrets(pod_spec, ns, needs);
}

void add_claim_templates(const Json& object, NeedList& needs) {
  const JsonArray* templates = array_at(object, "spec.volumeClaimTemplates");
  if (templates == nullptr) return;
  for (const Json& one : *templates)
    needs.add(kStorageClasses, "", string_at(one, "spec.storageClassName"));
}

void add_role(const Json& binding, NeedList& needs) {
  constexpr std::array<std::string_view, 4> kAlwaysThere = {"cluster-admin", "admin", "edit",
                                                            "view"};
  const std::string_view name = string_at(binding, "roleRef.name");
  if (string_at(binding, "roleRef.kind") != "ClusterRole" || name.starts_with("system:") ||
      std::ranges::find(kAlwaysThere, name) != kAlwaysThere.end()) {
    return;
  }
  needs.add(kClusterRoles, "", name);
}

std::string_view group_part(std::string_view group_resource) {
  return cut(group_resource, ".").after;
}

bool is_binding(std::string_view group_resource) {
  return group_resource == "rolebindings.rbac.authorization.k8s.io" ||
         group_resource == "clusterrolebindings.rbac.authorization.k8s.io";
}

bool is_pod_maker(std::string_view group_resource) {
  constexpr std::array<std::string_view, 7> kMakers = {
      "pods",       "deployments.apps", "statefulsets.apps",     "daemonsets.apps",
      "jobs.batch", "cronjobs.batch",   "replicationcontrollers"};
  return std::ranges::find(kMakers, group_resource) != kMakers.end();
}

struct Tracker {
  std::string_view key;
  std::string_view tool;
};

// A Helm release alone is not in Git, but its chart can be installed again.
constexpr std::array<Tracker, 7> kTrackers = {{
    {"argocd.argoproj.io/tracking-id", "Argo CD"},
    {"argocd.argoproj.io/instance", "Argo CD"},
    {"kustomize.toolkit.fluxcd.io/name", "Flux"},
    {"helm.toolkit.fluxcd.io/name", "Flux"},
    {"objectset.rio.cattle.io/hash", "Fleet"},
    {"configsync.gke.io/resource-id", "Config Sync"},
    {"meta.helm.sh/release-name", "Helm"},
}};

constexpr std::array<OperatorRecipe, 5> kRecipes = {{
    {"clusters.postgresql.cnpg.io", "CloudNativePG",
     "its operator bootstraps an empty cluster as soon as the Cluster comes back, and may race the "
     "restore of its volumes",
     "Restore claims and volumes first (--include-resources persistentvolumeclaims,"
     "persistentvolumes,secrets), then the Cluster; or bootstrap from CloudNativePG's own backup."},
    {"kafkas.kafka.strimzi.io", "Strimzi",
     "its operator makes new claims and a new cluster id if the Kafka comes back before its claims "
     "and Secrets",
     "Restore in this order: the CRDs and the operator scaled to 0, claims and Secrets, the Kafka, "
     "then topics and users; then scale the operator up."},
    {"applications.argoproj.io", "Argo CD",
     "it synchronises at once: what Git does not have is pruned, what differs is put back",
     "Restore Applications last, or with automated sync switched off (remove spec.syncPolicy by a "
     "resource modifier)."},
    {"kustomizations.kustomize.toolkit.fluxcd.io", "Flux",
     "it reconciles at once: what differs from Git is put back",
     "Restore Kustomizations last, or suspended (set spec.suspend by a resource modifier)."},
    {"helmreleases.helm.toolkit.fluxcd.io", "Flux", "it upgrades at once to what Git says",
     "Restore HelmReleases last, or suspended (set spec.suspend by a resource modifier)."},
}};

}  // namespace

bool is_kubernetes_group(std::string_view group) {
  constexpr std::array<std::string_view, 5> kShort = {"", "apps", "batch", "autoscaling", "policy"};
  constexpr std::array<std::string_view, 3> kNotOwn = {"snapshot.storage.k8s.io", "x-k8s.io",
                                                       "gateway.networking.k8s.io"};
  if (std::ranges::find(kShort, group) != kShort.end()) return true;
  if (std::ranges::any_of(kNotOwn, [group](auto one) { return group.ends_with(one); }))
    return false;
  return group.ends_with(".k8s.io") || group == "k8s.io";
}

bool may_need(std::string_view group_resource) {
  return is_pod_maker(group_resource) || is_binding(group_resource) ||
         group_resource == "persistentvolumeclaims" || group_resource == "serviceaccounts" ||
         group_resource == "ingresses.networking.k8s.io";
}

std::vector<Need> needs_of(std::string_view group_resource,
                           std::string_view ns,
                           const Json& object) {
  NeedList needs;
  if (!is_kubernetes_group(group_part(group_resource))) needs.add(kDefinitions, "", group_resource);
  if (const Json* pod = pod_spec_of(group_resource, object)) add_pod_needs(*pod, ns, needs);
  if (group_resource == "statefulsets.apps") add_claim_templates(object, needs);
  if (group_resource == "persistentvolumeclaims")
    needs.add(kStorageClasses, "", string_at(object, "spec.storageClassName"));
  if (group_resource == "serviceaccounts") add_pull_secrets(object, ns, needs);
  if (is_binding(group_resource)) add_role(object, needs);
  if (group_resource == "ingresses.networking.k8s.io")
    needs.add(kIngressClasses, "", string_at(object, "spec.ingressClassName"));
  return needs.take();
}

bool is_needed_kind(std::string_view group_resource) {
  return std::ranges::find(kNeeded, group_resource, &NeededKind::group_resource) != kNeeded.end();
}

PlanWarning unmet(const Need& need,
                  const std::vector<std::string>& by,
                  std::size_t count,
                  std::string_view where) {
  const NeededKind& kind = kind_of_need(need.group_resource);
  const std::string others =
      count > by.size() ? fmt::format(" and {} more", count - by.size()) : std::string();
  return {
      .id = need.id,
      .subject = object_text(need.group_resource, need.ns, need.name),
      .message = fmt::format("it is not in {}, and {}{} need{} it: {}", where, fmt::join(by, ", "),
                             others, count == 1 ? "s" : "", kind.what_happens),
      .advice = std::string(kind.advice)};
}

std::string_view tracking_tool(const Json& object) {
  for (const Tracker& tracker : kTrackers) {
    if (kube::has_label(object, tracker.key) || kube::has_annotation(object, tracker.key))
      return tracker.tool;
  }
  return {};
}

std::string_view reverting_tool(BytesView json) {
  // An API server writes metadata first.
  constexpr std::size_t kMetadata = 8192;
  for (const Tracker& tracker : kTrackers) {
    // Helm by itself puts nothing back.
    if (tracker.tool != "Helm" && has_text(json.substr(0, kMetadata), tracker.key))
      return tracker.tool;
  }
  return {};
}

const OperatorRecipe* recipe_for(std::string_view group_resource) {
  const auto at = std::ranges::find(kRecipes, group_resource, &OperatorRecipe::group_resource);
  return at == kRecipes.end() ? nullptr : &*at;
}

}  // namespace lateen::assurance
