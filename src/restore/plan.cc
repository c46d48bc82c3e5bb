#include "restore/plan.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "restore/selection.h"

namespace lateen::restore {
namespace {

constexpr std::string_view kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

// Where a kind of Velero's list stands; its entries are names as people write them, "pods" or
// "replicasets.apps", some with the singular by mistake.
std::size_t position(const std::vector<std::string>& list,
                     std::string_view group_resource,
                     const kube::Discovery& discovery) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == group_resource || discovery.resolve_name(list[i]) == group_resource) return i;
    // The kind may not be served yet: the list's plain name is then that of the resource alone. But
    // "services" is not services.serving.knative.dev as long as it is something else.
    const bool is_plain = list[i].find('.') == std::string::npos;
    if (is_plain && discovery.find(list[i]) == nullptr &&
        list[i] == cut(group_resource, ".").before) {
      return i;
    }
  }
  return list.size();
}

// Created before what answers for them runs, they would have the API server refuse what comes after
// them.
bool is_gate(std::string_view kind) {
  return kind == "mutatingwebhookconfigurations.admissionregistration.k8s.io" ||
         kind == "validatingwebhookconfigurations.admissionregistration.k8s.io";
}

struct Rank {
  int part;              // 0 high, 1 the rest, 2 low
  std::size_t position;  // in its list; in the rest, whose kinds have no order, 0, or 1 for gates

  auto operator<=>(const Rank&) const = default;
};

Rank rank_of(std::string_view kind,
             const ResourcePriorities& priorities,
             const kube::Discovery& discovery) {
  const std::size_t high = position(priorities.high, kind, discovery);
  if (high < priorities.high.size()) return {0, high};
  const std::size_t low = position(priorities.low, kind, discovery);
  if (low < priorities.low.size()) return {2, low};
  return {1, is_gate(kind) ? std::size_t{1} : std::size_t{0}};
}

// Counts what is left out, by kind and reason, so that the plan stays readable.
class Skips {
 public:
  void add(const archive::ItemKey& item, const std::string& reason) {
    ++counts_[{std::string(item.group_resource), reason}];
  }

  std::vector<SkippedItems> take() const {
    std::vector<SkippedItems> skipped;
    for (const auto& [what, count] : counts_)
      skipped.push_back({what.first, count, what.second});
    return skipped;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::size_t> counts_;
};

}  // namespace

const ResourcePriorities& default_priorities() {
  static const ResourcePriorities kPriorities{
      .high = {"customresourcedefinitions",
               "namespaces",
               "storageclasses",
               "volumesnapshotclasses.snapshot.storage.k8s.io",
               "volumesnapshotcontents.snapshot.storage.k8s.io",
               "volumesnapshots.snapshot.storage.k8s.io",
               "datauploads.velero.io",
               "persistentvolumes",
               "persistentvolumeclaims",
               "clusterroles",
               "roles",
               "serviceaccounts",
               "clusterrolebindings",
               "rolebindings",
               "secrets",
               "configmaps",
               "limitranges",
               "priorityclasses",
               "pods",
               "replicasets.apps",
               "clusterclasses.cluster.x-k8s.io",
               "endpoints",
               "services"},
      .low = {"clusterbootstraps.run.tanzu.vmware.com", "clusters.cluster.x-k8s.io",
              "clusterresourcesets.addons.cluster.x-k8s.io", "apps.kappctrl.k14s.io",
              "packageinstalls.packaging.carvel.dev"}};
  return kPriorities;
}

RestorePlan arrange(const std::set<std::size_t>& chosen,
                    std::span<const archive::ArchivedItem> items,
                    const Selection& selection,
                    const kube::Discovery& discovery,
                    const ResourcePriorities& priorities) {
  using Steps = std::map<std::string, RestoreStep, std::less<>>;
  Steps definitions;
  std::map<Rank, Steps> ranks;
  std::map<std::string, Rank, std::less<>> known_ranks;
  for (const std::size_t i : chosen) {
    const archive::ItemKey& key = items[i].key;
    const std::string kind(key.group_resource);
    Steps* steps = &definitions;
    if (kind != kDefinitions) {
      auto known = known_ranks.find(kind);
      if (known == known_ranks.end()) {
        known = known_ranks.emplace(kind, rank_of(kind, priorities, discovery)).first;
      }
      steps = &ranks[known->second];
    }
    RestoreStep& step = (*steps)[kind];
    step.group_resource = kind;
    step.items.push_back(
        {.archived = i, .target_ns = key.ns.empty() ? std::string() : selection.target_of(key.ns)});
  }
  RestorePlan plan;
  plan.total = chosen.size();
  for (auto& [kind, step] : definitions)
    plan.definitions.push_back(std::move(step));
  for (auto& [rank, steps] : ranks) {
    std::vector<RestoreStep>& together = plan.ranks.emplace_back();
    for (auto& [kind, step] : steps)
      together.push_back(std::move(step));
  }
  return plan;
}

RestorePlan plan_restore(const model::RestoreSpec& spec,
                         std::span<const archive::ArchivedItem> items,
                         const kube::Discovery& discovery,
                         const ResourcePriorities& priorities,
                         const VersionPreferences& versions) {
  const Selection selection(spec, discovery);
  const auto other_versions = choose_versions(items, discovery, versions);
  const auto is_taken = [&other_versions](const archive::ItemKey& key) {
    const auto other = other_versions.find(key.group_resource);
    return other == other_versions.end() ? key.preferred : key.version == other->second;
  };
  Skips skips;
  std::set<std::size_t> chosen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const archive::ItemKey& key = items[i].key;
    if (key.group_resource == "namespaces" || !is_taken(key)) continue;
    if (const std::string reason = selection.why_not(key); !reason.empty()) {
      skips.add(key, reason);
    } else {
      chosen.insert(i);
    }
  }
  RestorePlan plan = arrange(chosen, items, selection, discovery, priorities);
  plan.skipped = skips.take();
  return plan;
}

std::string describe(const RestorePlan& plan) {
  std::string text;
  for (const RestoreStep& step : plan.definitions) {
    text += fmt::format("first {} {}\n", step.items.size(), step.group_resource);
  }
  for (std::size_t i = 0; i < plan.ranks.size(); ++i) {
    for (const RestoreStep& step : plan.ranks[i]) {
      text += fmt::format("rank {}: {} {}\n", i + 1, step.items.size(), step.group_resource);
    }
  }
  for (const SkippedItems& skipped : plan.skipped) {
    text += fmt::format("skip {} {}: {}\n", skipped.count, skipped.what, skipped.reason);
  }
  return text;
}

}  // namespace lateen::restore
