#include "backup/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"

namespace lateen::backup {
namespace {

// The same objects served by two groups: taken once, from the group that comes first.
const std::map<std::string, std::string, std::less<>>& cohabitants() {
  static const std::map<std::string, std::string, std::less<>> kPairs = {
      {"deployments.extensions", "deployments"},
      {"deployments.apps", "deployments"},
      {"daemonsets.extensions", "daemonsets"},
      {"daemonsets.apps", "daemonsets"},
      {"replicasets.extensions", "replicasets"},
      {"replicasets.apps", "replicasets"},
      {"networkpolicies.extensions", "networkpolicies"},
      {"networkpolicies.networking.k8s.io", "networkpolicies"},
      {"events", "events"},
      {"events.events.k8s.io", "events"},
  };
  return kPairs;
}

// Pods first: their hooks and their volumes' snapshots belong together. Then the claims that no pod
// mounts, then volumes that no claim led to. All else has no order.
std::size_t rank_of(const kube::ResourceType& type) {
  constexpr std::array<std::string_view, 3> kFirst = {"pods", "persistentvolumeclaims",
                                                      "persistentvolumes"};
  if (!type.gvr.group.empty()) return kFirst.size();
  const auto* at = std::find(kFirst.begin(), kFirst.end(), type.gvr.resource);
  return static_cast<std::size_t>(at - kFirst.begin());
}

std::vector<std::string> selectors_of(const model::BackupSpec& spec) {
  if (spec.label_selector && !spec.label_selector->empty()) return {spec.label_selector->format()};
  std::vector<std::string> selectors;
  for (const model::LabelSelector& one : spec.or_label_selectors) {
    if (one.empty()) return {""};
    selectors.push_back(one.format());
  }
  if (selectors.empty()) selectors.emplace_back();
  return selectors;
}

CollectionStep step_for(const kube::ResourceType& type,
                        const NamespaceFilter& namespaces,
                        const std::vector<std::string>& selectors,
                        std::size_t present) {
  CollectionStep step{
      .type = type, .namespaces = {}, .list_wide = false, .label_selectors = selectors};
  if (type.namespaced) {
    step.namespaces.assign(namespaces.selected().begin(), namespaces.selected().end());
    step.list_wide = namespaces.is_everything() || step.namespaces.size() * 2 >= present;
  }
  return step;
}

// Argo CD would undo, or fight with, what a restore brings back. In Velero's words.
void warn_of_argo(const std::vector<NamespaceFacts>& present, BackupPlan& plan) {
  std::vector<std::string> managed;
  for (const NamespaceFacts& ns : present) {
    const auto label = ns.labels.find("argocd.argoproj.io/managed-by");
    if (label != ns.labels.end() && !label->second.empty() && plan.namespaces.includes(ns.name)) {
      managed.push_back(ns.name);
    }
  }
  if (managed.empty()) return;
  plan.warnings.push_back(fmt::format(
      "backup operation may encounter complications and potentially produce undesirable results "
      "due to the inclusion of namespaces [{}] managed by ArgoCD in the backup.",
      join(managed, " ")));
}

std::vector<const kube::ResourceType*> types_of(const kube::Discovery& discovery,
                                                Versions versions) {
  const std::vector<std::string_view> verbs = {"list", "create", "get", "delete"};
  if (versions == Versions::Preferred) return discovery.preferred_with_verbs(verbs);
  std::vector<const kube::ResourceType*> types;
  for (const kube::ResourceType& type : discovery.resources()) {
    const bool can_all = std::all_of(
        verbs.begin(), verbs.end(), [&type](std::string_view verb) { return type.has_verb(verb); });
    if (can_all) types.push_back(&type);
  }
  return types;
}

// Into the steps of their kinds; a kind that is not collected gets a warning.
void plan_order(const model::BackupSpec& spec, const kube::Discovery& discovery, BackupPlan& plan) {
  for (const auto& [kind, names] : spec.ordered_resources) {
    const std::string resolved = discovery.resolve_name(kind);
    bool found = false;
    for (std::vector<CollectionStep>& rank : plan.ranks) {
      for (CollectionStep& step : rank) {
        if (step.type.group_resource() != resolved) continue;
        step.first = split_trimmed(names, ',');
        found = true;
      }
    }
    if (found) continue;
    plan.warnings.push_back(
        fmt::format("orderedResources names {}, which this backup does not collect", kind));
  }
}

}  // namespace

BackupPlan plan_backup(const model::BackupSpec& spec,
                       const kube::Discovery& discovery,
                       const std::vector<NamespaceFacts>& present,
                       Versions versions) {
  NamespaceFilter namespaces = NamespaceFilter::resolve(spec, present);
  ResourceFilter resources(spec, discovery, namespaces.is_everything());
  BackupPlan plan{.namespaces = std::move(namespaces),
                  .resources = std::move(resources),
                  .versions = versions,
                  .ranks = std::vector<std::vector<CollectionStep>>(4),
                  .skipped = {},
                  .errors = {},
                  .warnings = {}};
  for (const std::string& name : plan.namespaces.missing()) {
    plan.errors.push_back(fmt::format(
        "fail to get the namespace {} specified in backup.Spec.IncludedNamespaces", name));
  }
  for (const kube::DiscoveryFailure& failure : discovery.failures()) {
    plan.errors.push_back(
        fmt::format("the API group {} could not be read, its objects are not in this backup: {}",
                    failure.group_version.api_version(), failure.message));
  }

  warn_of_argo(present, plan);

  const std::vector<std::string> selectors = selectors_of(spec);
  std::set<std::string, std::less<>> seen_cohabitants;
  for (const kube::ResourceType* type : types_of(discovery, versions)) {
    const std::string name = type->group_resource();
    if (name == "namespaces") continue;  // collected at the end, from what is in them
    if (Reason reason = plan.resources.why_not_collected(*type); !reason.empty()) {
      plan.skipped.push_back({name, std::move(reason)});
      continue;
    }
    // Only one that is wanted hides its double: who excludes `events` still gets
    // events.events.k8s.io, as with Velero.
    if (const auto pair = cohabitants().find(name); pair != cohabitants().end()) {
      if (!seen_cohabitants.insert(pair->second).second) {
        plan.skipped.push_back({name, "the same objects are served by another group"});
        continue;
      }
    }
    if (type->namespaced && plan.namespaces.selected().empty()) {
      plan.skipped.push_back({name, "no namespace is selected"});
      continue;
    }
    plan.ranks[rank_of(*type)].push_back(
        step_for(*type, plan.namespaces, selectors, present.size()));
  }
  plan_order(spec, discovery, plan);
  return plan;
}

std::string describe(const BackupPlan& plan) {
  std::string text =
      plan.namespaces.is_everything()
          ? "namespaces: all\n"
          : fmt::format("namespaces: {}\n", fmt::join(plan.namespaces.selected(), ", "));
  for (const std::vector<CollectionStep>& rank : plan.ranks) {
    for (const CollectionStep& step : rank) {
      text += fmt::format("collect {}\n", step.type.group_resource());
    }
  }
  for (const SkippedKind& skipped : plan.skipped) {
    text += fmt::format("skip {}: {}\n", skipped.kind, skipped.reason);
  }
  for (const std::string& error : plan.errors)
    text += fmt::format("error: {}\n", error);
  return text;
}

}  // namespace lateen::backup
