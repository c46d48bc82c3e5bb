#include "backup/resource_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"

namespace lateen::backup {
namespace {

using model::BackupSpec;
using ::testing::ElementsAre;

struct FilterCase {
  const char* name;
  BackupSpec spec;
  bool all_namespaces;
  // "" where it is collected, "+" where it only comes along, "-" where it never does.
  std::map<std::string, std::string> expected;
};

class ResourceFilterTable : public ::testing::TestWithParam<FilterCase> {};

TEST_P(ResourceFilterTable, DecidesAsVeleroDoes) {
  const kube::Discovery discovery = samples::make_discovery();
  const ResourceFilter filter(GetParam().spec, discovery, GetParam().all_namespaces);
  for (const auto& [kind, expected] : GetParam().expected) {
    const kube::ResourceType* type = discovery.find(kind);
    ASSERT_NE(type, nullptr) << kind;
    const bool collected = filter.why_not_collected(*type).empty();
    const bool additional = filter.why_not_as_additional(*type).empty();
    EXPECT_EQ(collected    ? ""
              : additional ? "+"
                           : "-",
              expected)
        << kind << ": " << filter.why_not_collected(*type) << " / "
        << filter.why_not_as_additional(*type);
  }
}

BackupSpec old(model::StringList included,
               model::StringList excluded = {},
               std::optional<bool> cluster = {}) {
  BackupSpec spec;
  spec.included_resources = std::move(included);
  spec.excluded_resources = std::move(excluded);
  spec.include_cluster_resources = cluster;
  return spec;
}

struct Scoped {
  model::StringList cluster_in = {};
  model::StringList cluster_out = {};
  model::StringList in = {};
  model::StringList out = {};
};

BackupSpec scoped(Scoped lists) {
  BackupSpec spec;
  spec.included_cluster_scoped_resources = lists.cluster_in;
  spec.excluded_cluster_scoped_resources = lists.cluster_out;
  spec.included_namespace_scoped_resources = lists.in;
  spec.excluded_namespace_scoped_resources = lists.out;
  return spec;
}

constexpr const char* kRoles = "clusterroles.rbac.authorization.k8s.io";

INSTANTIATE_TEST_SUITE_P(
    ,
    ResourceFilterTable,
    ::testing::ValuesIn(std::vector<FilterCase>{
        {"NothingSaidOverAllNamespacesIsEverything",
         {},
         true,
         {{"pods", ""}, {kRoles, ""}, {"storageclasses", ""}, {"nodes", ""}}},
        {"NothingSaidOverSomeNamespacesIsWhatTheyLeadTo",
         {},
         false,
         {{"pods", ""}, {kRoles, "+"}, {"persistentvolumes", "+"}, {"namespaces", ""}}},
        {"OldIncludesKeepEverythingElseOut",
         old({"deploy", "cm"}),
         false,
         {{"deployments.apps", ""}, {"configmaps", ""}, {"pods", "-"}, {"persistentvolumes", "-"}}},
        {"OldIncludesOfClusterResourcesLetThemComeAlong",
         old({"pods", "pvc", "pv"}),
         false,
         {{"persistentvolumeclaims", ""}, {"persistentvolumes", "+"}, {"namespaces", "-"}}},
        {"OldExcludesBeatIncludes",
         old({"*"}, {"secrets"}),
         true,
         {{"secrets", "-"}, {"configmaps", ""}}},
        {"GlobsMatchTheResolvedName",
         old({}, {"*.apps"}),
         true,
         {{"deployments.apps", "-"}, {"statefulsets.apps", "-"}, {"pods", ""}}},
        {"IncludeClusterResourcesTakesThemWithSomeNamespaces",
         old({}, {}, true),
         false,
         {{kRoles, ""}, {"nodes", ""}}},
        {"IncludeClusterResourcesFalseKeepsEvenRelatedOnesOut",
         old({}, {}, false),
         true,
         {{kRoles, "-"}, {"persistentvolumes", "-"}, {"pods", ""}}},
        {"ExcludingEventsLeavesTheOtherGroupsOnes",
         old({}, {"events"}, true),
         false,
         {{"events", "-"}, {"events.events.k8s.io", ""}}},
        {"ScopedIncludesAreByScope",
         scoped({.cluster_in = {"storageclasses"}, .in = {"configmaps"}}),
         false,
         {{"storageclasses", ""}, {"configmaps", ""}, {"pods", "-"}, {kRoles, "+"}, {"ns", ""}}},
        {"AScopedNameOfTheOtherScopeIsNotHeard",
         scoped({.cluster_in = {"configmaps"}, .in = {"nodes", "pods"}}),
         false,
         {{"configmaps", "-"}, {"nodes", "+"}, {"pods", ""}}},
        {"ScopedExcludesOfAllClusterResourcesKeepNamespacesOutToo",
         scoped({.cluster_out = {"*"}}),
         true,
         {{"namespaces", "-"}, {kRoles, "-"}, {"pods", ""}}},
        {"ScopedExcludesOfSomeNamespacedOnesEndTheClustersOwn",
         scoped({.out = {"secrets"}}),
         true,
         {{"secrets", "-"}, {kRoles, "+"}, {"pods", ""}}},
        {"TheExcludesThatVeleroAddsItselfSayNothing",
         scoped({.cluster_out = {"volumesnapshotcontents.snapshot.storage.k8s.io"},
                 .out = {"volumesnapshots.snapshot.storage.k8s.io"}}),
         true,
         {{kRoles, ""}, {"pods", ""}, {"storageclasses", ""}}},
        {"SnapshotsComeOnlyWithTheirVolumes",
         {},
         true,
         {{"volumesnapshots.snapshot.storage.k8s.io", "+"},
          {"volumesnapshotcontents.snapshot.storage.k8s.io", "+"}}},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(ResourceFilter, CrdsComeAlongUnlessTheyAreKeptOut) {
  const kube::Discovery discovery = samples::make_discovery();
  const auto by_default = [&discovery](const BackupSpec& spec) {
    return ResourceFilter(spec, discovery, false).crds_by_default();
  };
  EXPECT_TRUE(by_default({}));
  EXPECT_TRUE(by_default(scoped({.in = {"books.library.example.com"}})));
  EXPECT_FALSE(by_default(old({}, {"crd"})));
  EXPECT_FALSE(by_default(old({}, {}, false)));
  EXPECT_FALSE(by_default(scoped({.cluster_out = {"*"}})));
}

TEST(ResourceFilter, APolicysFiltersAreAddedWhereTheSpecSaysNothing) {
  BackupSpec spec = scoped({.in = {"configmaps"}, .out = {"secrets"}});
  model::IncludeExcludePolicy policy;
  policy.included_namespace_scoped_resources = {"pods", "secrets"};
  policy.excluded_namespace_scoped_resources = {"configmaps", "jobs.batch"};
  policy.included_cluster_scoped_resources = {"storageclasses"};
  spec = with_policy(std::move(spec), policy);
  EXPECT_THAT(spec.included_namespace_scoped_resources, ElementsAre("configmaps", "pods"));
  EXPECT_THAT(spec.excluded_namespace_scoped_resources, ElementsAre("secrets", "jobs.batch"));
  EXPECT_THAT(spec.included_cluster_scoped_resources, ElementsAre("storageclasses"));
}

}  // namespace
}  // namespace lateen::backup
