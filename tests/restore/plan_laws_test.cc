// What holds of every restore's plan, whatever is asked for.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "backup/testing/discovery.h"
#include "base/text.h"
#include "restore/plan.h"

namespace lateen::restore {
namespace {

const kube::Discovery& discovery() {
  static const kube::Discovery kDiscovery =
      backup::samples::make_discovery(backup::samples::kinds());
  return kDiscovery;
}

// The keys view these.
const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names = {"gadgets.nobody.knows"};
    for (const backup::samples::Kind& kind : backup::samples::kinds())
      names.push_back(kind.name);
    return names;
  }();
  return kNames;
}

const std::string& one_of(const std::vector<std::string>& words) {
  return words[*rc::gen::inRange<std::size_t>(0, words.size())];
}

bool is_namespaced(std::string_view kind) {
  const kube::ResourceType* type = discovery().find(kube::parse_group_resource(kind));
  return type == nullptr || type->namespaced;
}

std::vector<archive::ArchivedItem> some_items() {
  static const std::vector<std::string> kNamespaces = {"default", "shop", "shop-test", "team-a"};
  static const std::vector<std::string> kNames = {"a", "b", "c"};
  std::set<archive::ItemKey> keys;
  const int count = *rc::gen::inRange(0, 40);
  for (int i = 0; i < count; ++i) {
    const std::string& kind = one_of(kind_names());
    archive::ItemKey key;
    key.group_resource = kind;
    if (is_namespaced(kind)) key.ns = one_of(kNamespaces);
    key.name = one_of(kNames);
    key.version = "v1";
    keys.insert(key);
  }
  std::vector<archive::ArchivedItem> items;
  for (const archive::ItemKey& key : keys)
    items.push_back({.key = key, .location = {}});
  return items;
}

model::StringList some_of(std::vector<std::string> words) {
  return *rc::gen::resize(3, rc::gen::container<model::StringList>(rc::gen::elementOf(words)));
}

model::RestoreSpec some_spec() {
  model::RestoreSpec spec;
  spec.included_namespaces = some_of({"default", "shop", "shop*", "*", "gone"});
  spec.excluded_namespaces = some_of({"default", "team-?", "gone"});
  spec.included_resources = some_of({"pods", "deploy", "secrets", "pv", "pvc", "*", "books", "sc"});
  spec.excluded_resources = some_of({"nodes", "events", "secrets", "clusterroles"});
  if (*rc::gen::arbitrary<bool>()) spec.include_cluster_resources = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) spec.namespace_mapping = {{"shop*", "copy*"}};
  return spec;
}

// Which step an object has: 0 for definitions, then by rank.
std::map<std::size_t, std::size_t> ranks_of(const RestorePlan& plan) {
  std::map<std::size_t, std::size_t> rank_of;
  const auto add = [&rank_of](const RestoreStep& step, std::size_t rank) {
    for (const PlannedItem& item : step.items)
      RC_ASSERT(rank_of.emplace(item.archived, rank).second);
  };
  for (const RestoreStep& step : plan.definitions)
    add(step, 0);
  for (std::size_t i = 0; i < plan.ranks.size(); ++i) {
    for (const RestoreStep& step : plan.ranks[i])
      add(step, i + 1);
  }
  return rank_of;
}

RC_GTEST_PROP(RestorePlanLaws, NoObjectComesBeforeWhatItNeeds, ()) {
  static const std::vector<std::pair<std::string, std::string>> kNeeds = {
      {"books.library.example.com", "customresourcedefinitions.apiextensions.k8s.io"},
      {"persistentvolumes", "storageclasses.storage.k8s.io"},
      {"persistentvolumeclaims", "storageclasses.storage.k8s.io"},
      {"persistentvolumeclaims", "persistentvolumes"},
      {"persistentvolumeclaims", "volumesnapshots.snapshot.storage.k8s.io"},
      {"volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io"},
      {"pods", "persistentvolumeclaims"},
      {"pods", "serviceaccounts"},
      {"pods", "secrets"},
      {"pods", "configmaps"},
      {"pods", "limitranges"},
      {"pods", "priorityclasses.scheduling.k8s.io"},
      {"clusterrolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"},
      {"clusterrolebindings.rbac.authorization.k8s.io", "serviceaccounts"},
      {"replicasets.apps", "pods"},
      {"deployments.apps", "replicasets.apps"},
      {"services", "endpoints"},
      {"mutatingwebhookconfigurations.admissionregistration.k8s.io", "services"}};
  const std::vector<archive::ArchivedItem> items = some_items();
  const auto rank_of = ranks_of(plan_restore(some_spec(), items, discovery()));
  for (const auto& [one, rank] : rank_of) {
    for (const auto& [other, other_rank] : rank_of) {
      const std::pair<std::string, std::string> pair(items[one].key.group_resource,
                                                     items[other].key.group_resource);
      if (std::find(kNeeds.begin(), kNeeds.end(), pair) != kNeeds.end()) {
        RC_ASSERT(other_rank < rank);
      }
    }
  }
}

RC_GTEST_PROP(RestorePlanLaws, EachObjectIsPlannedOnceOrLeftOutForAReason, ()) {
  const std::vector<archive::ArchivedItem> items = some_items();
  const RestorePlan plan = plan_restore(some_spec(), items, discovery());
  std::size_t left_out = 0;
  for (const SkippedItems& skipped : plan.skipped) {
    RC_ASSERT(!skipped.reason.empty());
    left_out += skipped.count;
  }
  const auto namespaces = std::count_if(
      items.begin(), items.end(),
      [](const archive::ArchivedItem& item) { return item.key.group_resource == "namespaces"; });
  RC_ASSERT(ranks_of(plan).size() == plan.total);
  RC_ASSERT(plan.total + left_out + static_cast<std::size_t>(namespaces) == items.size());
}

RC_GTEST_PROP(RestorePlanLaws, WhatIsTakenIsNeverAlsoExcluded, ()) {
  const std::vector<archive::ArchivedItem> items = some_items();
  const model::RestoreSpec spec = some_spec();
  for (const auto& [taken, rank] : ranks_of(plan_restore(spec, items, discovery()))) {
    const archive::ItemKey& key = items[taken].key;
    for (const std::string& pattern : spec.excluded_namespaces)
      RC_ASSERT(key.ns.empty() || !glob_match(pattern, key.ns));
    for (const std::string& word : spec.excluded_resources)
      RC_ASSERT(discovery().resolve_name(word) != key.group_resource);
    RC_ASSERT(!key.ns.empty() || spec.include_cluster_resources != false);
  }
}

}  // namespace
}  // namespace lateen::restore
