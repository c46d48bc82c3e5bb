// What holds of every plan, whatever is asked for.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "backup/plan.h"
#include "backup/pod_blocks.h"
#include "backup/testing/discovery.h"
#include "base/text.h"
#include "kube/object.h"

namespace lateen::backup {
namespace {

const kube::Discovery& discovery() {
  static const kube::Discovery kDiscovery = [] {
    std::vector<samples::Kind> served = samples::kinds();
    served.push_back({"horizontalpodautoscalers.autoscaling", "v1", "HorizontalPodAutoscaler"});
    return samples::make_discovery(served);
  }();
  return kDiscovery;
}

rc::Gen<std::vector<std::string>> some_of(std::vector<std::string> words) {
  return rc::gen::resize(
      3, rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::move(words))));
}

model::StringList some_namespaces() {
  return *some_of(
      {"default", "shop", "shop-test", "team-a", "*", "shop*", "team-?", "gone", "x-*"});
}

model::StringList some_kinds() {
  return *some_of({"pods", "deploy", "secrets", "clusterroles", "nodes", "*.apps", "*", "books",
                   "pv", "events", "events.events.k8s.io", "nobody.knows"});
}

std::vector<NamespaceFacts> some_cluster() {
  std::vector<NamespaceFacts> present;
  for (const std::string& name : *rc::gen::unique<std::vector<std::string>>(
           rc::gen::element<std::string>("default", "shop", "shop-test", "team-a", "team-b"))) {
    NamespaceFacts ns{.name = name,
                      .labels = {},
                      .active = *rc::gen::weightedElement<bool>({{5, true}, {1, false}})};
    if (*rc::gen::weightedElement<bool>({{1, true}, {4, false}})) {
      ns.labels["velero.io/exclude-from-backup"] = "true";
    }
    present.push_back(std::move(ns));
  }
  return present;
}

model::BackupSpec some_spec() {
  model::BackupSpec spec;
  spec.included_namespaces = some_namespaces();
  spec.excluded_namespaces = some_namespaces();
  if (*rc::gen::arbitrary<bool>()) {
    spec.included_resources = some_kinds();
    spec.excluded_resources = some_kinds();
    if (*rc::gen::arbitrary<bool>()) spec.include_cluster_resources = *rc::gen::arbitrary<bool>();
  } else {
    spec.included_namespace_scoped_resources = some_kinds();
    spec.excluded_namespace_scoped_resources = some_kinds();
    spec.included_cluster_scoped_resources = some_kinds();
    spec.excluded_cluster_scoped_resources = some_kinds();
  }
  return spec;
}

bool matches(const model::StringList& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return glob_match(pattern, name); });
}

// Patterns and names, as filters resolve them.
bool names_kind(const model::StringList& words, const kube::ResourceType& type) {
  return std::any_of(words.begin(), words.end(), [&type](const std::string& word) {
    return glob_match(discovery().resolve_name(word), type.group_resource());
  });
}

std::vector<const CollectionStep*> steps_of(const BackupPlan& plan) {
  std::vector<const CollectionStep*> steps;
  for (const auto& rank : plan.ranks) {
    for (const CollectionStep& step : rank)
      steps.push_back(&step);
  }
  return steps;
}

RC_GTEST_PROP(PlanLaws, WhatIsIncludedIsNeverAlsoExcluded, ()) {
  const std::vector<NamespaceFacts> present = some_cluster();
  const model::BackupSpec spec = some_spec();
  const BackupPlan plan = plan_backup(spec, discovery(), present);
  for (const std::string& ns : plan.namespaces.selected()) {
    RC_ASSERT(!matches(spec.excluded_namespaces, ns));
    RC_ASSERT(spec.included_namespaces.empty() || matches(spec.included_namespaces, ns));
    const auto at = std::find_if(present.begin(), present.end(),
                                 [&ns](const NamespaceFacts& one) { return one.name == ns; });
    RC_ASSERT(at != present.end() && at->labels.empty());
  }
  for (const CollectionStep* step : steps_of(plan)) {
    RC_ASSERT(!names_kind(spec.excluded_resources, step->type));
    RC_ASSERT(!names_kind(step->type.namespaced ? spec.excluded_namespace_scoped_resources
                                                : spec.excluded_cluster_scoped_resources,
                          step->type));
    for (const std::string& ns : step->namespaces)
      RC_ASSERT(plan.namespaces.includes(ns));
  }
}

RC_GTEST_PROP(PlanLaws, EveryKindIsEitherCollectedOnceOrLeftOutForAReason, ()) {
  const BackupPlan plan = plan_backup(some_spec(), discovery(), some_cluster());
  std::multiset<std::string> seen = {"namespaces"};
  for (const CollectionStep* step : steps_of(plan))
    seen.insert(step->type.group_resource());
  for (const SkippedKind& skipped : plan.skipped) {
    RC_ASSERT(!skipped.reason.empty());
    seen.insert(skipped.kind);
  }
  std::multiset<std::string> expected;
  for (const kube::ResourceType* type :
       discovery().preferred_with_verbs({"list", "create", "get", "delete"})) {
    expected.insert(type->group_resource());
  }
  RC_ASSERT(seen == expected);
}

RC_GTEST_PROP(PlanLaws, WhatIsCollectedMayAlsoComeAlong, ()) {
  const BackupPlan plan = plan_backup(some_spec(), discovery(), some_cluster());
  for (const CollectionStep* step : steps_of(plan))
    RC_ASSERT(plan.resources.why_not_as_additional(step->type).empty());
}

RC_GTEST_PROP(PlanLaws, AllVersionsHoldThePreferredOnes, ()) {
  const std::vector<NamespaceFacts> present = some_cluster();
  const model::BackupSpec spec = some_spec();
  const BackupPlan few = plan_backup(spec, discovery(), present);
  const BackupPlan all = plan_backup(spec, discovery(), present, Versions::All);
  std::set<kube::GroupVersionResource> versions;
  for (const CollectionStep* step : steps_of(all))
    RC_ASSERT(versions.insert(step->type.gvr).second);
  for (const CollectionStep* step : steps_of(few))
    RC_ASSERT(versions.count(step->type.gvr) == 1U);
}

RC_GTEST_PROP(PodBlockLaws, EachPodIsInOneBlockAndNoClaimInTwo, ()) {
  std::vector<Json> pods;
  const int count = *rc::gen::inRange(0, 12);
  for (int i = 0; i < count; ++i) {
    JsonArray volumes;
    for (const std::string& claim : *some_of({"a", "b", "c", "d", "e", "f"})) {
      volumes.emplace_back(
          JsonObject{{"name", claim}, {"persistentVolumeClaim", JsonObject{{"claimName", claim}}}});
    }
    pods.emplace_back(
        JsonObject{{"metadata", JsonObject{{"name", fmt::format("p{}", i)}, {"namespace", "shop"}}},
                   {"spec", JsonObject{{"volumes", std::move(volumes)}}}});
  }
  const auto together = static_cast<std::size_t>(*rc::gen::inRange(0, 4));
  std::set<std::string> names;
  std::map<std::string, std::size_t> block_of_claim;
  const std::vector<PodBlock> blocks = group_by_claims(pods, together);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    RC_ASSERT(!blocks[i].empty());
    for (const Json& pod : blocks[i]) {
      RC_ASSERT(names.insert(std::string(kube::name_of(pod))).second);
      for (const std::string& claim : claims_of(pod))
        RC_ASSERT(block_of_claim.emplace(claim, i).first->second == i);
    }
  }
  RC_ASSERT(names.size() == pods.size());
}

}  // namespace
}  // namespace lateen::backup
