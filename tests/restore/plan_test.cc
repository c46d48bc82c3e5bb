#include "restore/plan.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"
#include "restore/related.h"
#include "restore/selection.h"
#include "restore/testing/fixtures.h"

namespace lateen::restore {
namespace {

using backup::samples::make_discovery;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ---- Which objects.

struct SelectionCase {
  const char* name;
  model::RestoreSpec spec;
  archive::ItemKey item;
  const char* reason;              // "" when it is taken
  const char* as_additional = "";  // the same when another object leads to it
};

class Selections : public ::testing::TestWithParam<SelectionCase> {};

TEST_P(Selections, FollowTheFilters) {
  const kube::Discovery discovery = make_discovery();
  const Selection selection(GetParam().spec, discovery);
  EXPECT_EQ(selection.why_not(GetParam().item), GetParam().reason);
  EXPECT_EQ(selection.why_not_as_additional(GetParam().item), GetParam().as_additional);
}

struct Filters {
  model::StringList namespaces = {};
  model::StringList not_namespaces = {};
  model::StringList kinds = {};
  model::StringList not_kinds = {};
  std::optional<bool> cluster = {};
};

model::RestoreSpec with(Filters filters) {
  model::RestoreSpec spec;
  spec.included_namespaces = filters.namespaces;
  spec.excluded_namespaces = filters.not_namespaces;
  spec.included_resources = filters.kinds;
  spec.excluded_resources = filters.not_kinds;
  spec.include_cluster_resources = filters.cluster;
  return spec;
}

constexpr archive::ItemKey kPod{"pods", "shop", "web", "v1"};
constexpr archive::ItemKey kVolume{"persistentvolumes", "", "pv", "v1"};
constexpr archive::ItemKey kNode{"nodes", "", "n", "v1"};
constexpr archive::ItemKey kDeployment{"deployments.apps", "shop", "web", "v1"};
constexpr archive::ItemKey kSnapshot{"volumesnapshots.snapshot.storage.k8s.io", "shop", "s", "v1"};
constexpr archive::ItemKey kContent{"volumesnapshotcontents.snapshot.storage.k8s.io", "", "c",
                                    "v1"};
constexpr const char* kPartly = "cluster-scoped, and not all namespaces are included";
constexpr const char* kNotKind = "its kind is not among the included resources";

INSTANTIATE_TEST_SUITE_P(
    ,
    Selections,
    ::testing::ValuesIn(std::vector<SelectionCase>{
        {"EverythingByDefault", {}, kPod, ""},
        {"ClusterScopedOnesToo", {}, kVolume, ""},
        {"NodesAreNeverRestored", {}, kNode, "its kind is excluded", "its kind is excluded"},
        {"OfSomeNamespacesOnlyWhatTheyLeadTo", with({.namespaces = {"shop"}}), kVolume, kPartly,
         ""},
        {"AnExcludedNamespaceIsEnoughForThat", with({.not_namespaces = {"lab"}}), kVolume, kPartly,
         ""},
        {"AStarIsAllNamespaces", with({.namespaces = {"*"}}), kVolume, ""},
        {"ClusterResourcesWhenAskedFor", with({.namespaces = {"shop"}, .cluster = true}), kVolume,
         ""},
        {"ClusterResourcesNotEvenWhenLedTo", with({.cluster = false}), kVolume,
         "includeClusterResources is false", "includeClusterResources is false"},
        {"NamespacesByGlob", with({.namespaces = {"sh*"}}), kPod, ""},
        {"OtherNamespaces", with({.namespaces = {"lab"}}), kPod,
         "its namespace is not among the included ones",
         "its namespace is not among the included ones"},
        {"ExcludedNamespaces", with({.not_namespaces = {"shop"}}), kPod,
         "its namespace is excluded", "its namespace is excluded"},
        {"KindsByShortName", with({.kinds = {"deploy"}}), kDeployment, ""},
        {"OtherKinds", with({.kinds = {"deploy"}}), kPod, kNotKind, kNotKind},
        {"ExcludedKinds", with({.not_kinds = {"po"}}), kPod, "its kind is excluded",
         "its kind is excluded"},
        {"AClaimsSnapshotComesWithItWhateverKindsAreAskedFor", with({.kinds = {"pvc"}}), kSnapshot,
         kNotKind, ""},
        {"AndItsContent", with({.namespaces = {"shop"}, .kinds = {"pvc"}}), kContent, kPartly, ""},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Selection, MapsNamespaces) {
  model::RestoreSpec spec;
  spec.namespace_mapping = {{"shop", "shop-copy"}};
  const kube::Discovery discovery = make_discovery();
  const Selection selection(spec, discovery);
  EXPECT_EQ(selection.target_of("shop"), "shop-copy");
  EXPECT_EQ(selection.target_of("lab"), "lab");
}

// ---- In which order.

std::vector<std::vector<std::string>> ranks_of(const RestorePlan& plan) {
  std::vector<std::vector<std::string>> ranks;
  for (const auto& rank : plan.ranks) {
    ranks.emplace_back();
    for (const RestoreStep& step : rank)
      ranks.back().push_back(step.group_resource);
  }
  return ranks;
}

RestorePlan plan_of(const model::RestoreSpec& spec, const archive::ArchiveReader& archive) {
  const kube::Discovery discovery = make_discovery();
  auto plan = add_related(plan_restore(spec, archive.items(), discovery), spec, discovery,
                          default_priorities(), archive, {});
  EXPECT_TRUE(plan);
  return std::move(*plan);
}

TEST(RestorePlan, OfARealBackupGoesInVelerosOrder) {
  const archive::ArchiveReader archive = samples::open_velero("bookstore-full");
  const RestorePlan plan = plan_of({}, archive);
  ASSERT_EQ(plan.definitions.size(), 1U);
  EXPECT_EQ(plan.definitions[0].group_resource, "customresourcedefinitions.apiextensions.k8s.io");
  EXPECT_THAT(
      ranks_of(plan),
      ElementsAre(
          ElementsAre("persistentvolumes"), ElementsAre("persistentvolumeclaims"),
          ElementsAre("clusterroles.rbac.authorization.k8s.io"),
          ElementsAre("roles.rbac.authorization.k8s.io"), ElementsAre("serviceaccounts"),
          ElementsAre("clusterrolebindings.rbac.authorization.k8s.io"),
          ElementsAre("rolebindings.rbac.authorization.k8s.io"), ElementsAre("secrets"),
          ElementsAre("configmaps"), ElementsAre("limitranges"),
          ElementsAre("priorityclasses.scheduling.k8s.io"), ElementsAre("pods"),
          ElementsAre("replicasets.apps"), ElementsAre("endpoints"), ElementsAre("services"),
          ElementsAre("books.library.example.com", "controllerrevisions.apps", "cronjobs.batch",
                      "daemonsets.apps", "deployments.apps", "endpointslices.discovery.k8s.io",
                      "horizontalpodautoscalers.autoscaling", "ingresses.networking.k8s.io",
                      "jobs.batch", "networkpolicies.networking.k8s.io",
                      "poddisruptionbudgets.policy", "resourcequotas", "statefulsets.apps")));
  // 56 items, of which two are Events and one is the Namespace.
  EXPECT_EQ(plan.total, 53U);
  ASSERT_EQ(plan.skipped.size(), 1U);
  EXPECT_EQ(plan.skipped[0].what, "events");
  EXPECT_EQ(plan.skipped[0].count, 2U);
}

// Every object once, though the tarball has two copies of each.
TEST(RestorePlan, OfAWholeClusterLeavesOutWhatIsNeverRestored) {
  const archive::ArchiveReader archive = samples::open_velero("cluster-all");
  const RestorePlan plan = plan_of({}, archive);
  std::map<std::string, std::size_t> skipped;
  for (const SkippedItems& one : plan.skipped)
    skipped[one.what] += one.count;
  EXPECT_EQ(skipped, (std::map<std::string, std::size_t>{{"backuprepositories.velero.io", 1},
                                                         {"backups.velero.io", 7},
                                                         {"csinodes.storage.k8s.io", 1},
                                                         {"events.events.k8s.io", 410},
                                                         {"nodes", 1}}));
  EXPECT_EQ(plan.total, 727U - 420U - 4U);  // and four Namespaces
  EXPECT_EQ(plan.definitions[0].items.size(), 15U);
}

TEST(RestorePlan, OfAMappedNamespaceGoesToTheOther) {
  model::RestoreSpec spec;
  spec.included_resources = {"configmaps"};
  spec.namespace_mapping = {{"bookstore", "copy"}};
  const archive::ArchiveReader archive = samples::open_velero("bookstore-full");
  const RestorePlan plan = plan_of(spec, archive);
  ASSERT_EQ(plan.ranks.size(), 1U);
  for (const PlannedItem& item : plan.ranks[0][0].items)
    EXPECT_EQ(item.target_ns, "copy");
}

TEST(RestorePlan, OfPodsBringsTheirClaimsVolumesAndPriorityClass) {
  model::RestoreSpec spec;
  spec.included_namespaces = {"bookstore"};
  const archive::ArchiveReader archive = samples::open_velero("bookstore-full");
  const auto ranks = ranks_of(plan_of(spec, archive));
  EXPECT_THAT(ranks, Contains(ElementsAre("persistentvolumes")));
  EXPECT_THAT(ranks, Contains(ElementsAre("priorityclasses.scheduling.k8s.io")));
  EXPECT_THAT(ranks, Not(Contains(ElementsAre("clusterroles.rbac.authorization.k8s.io"))));
}

TEST(RestorePlan, ByLabelsTakesWhatTheStoredObjectsCarry) {
  model::RestoreSpec spec;
  model::LabelSelector web;
  web.match_labels = {{"app", "web"}};
  spec.label_selector = web;
  const archive::ArchiveReader archive = samples::open_velero("bookstore-full");
  const kube::Discovery discovery = make_discovery();
  const auto plan =
      narrow_by_labels(plan_restore(spec, archive.items(), discovery), spec, archive, {});
  ASSERT_TRUE(plan);
  // What bookstore-app-web holds by its selector: all but Namespace and PriorityClass.
  EXPECT_EQ(plan->total, 7U) << describe(*plan);
  EXPECT_THAT(describe(*plan), HasSubstr("skip 46 objects: no label selector matches"));
}

std::vector<archive::ArchivedItem> items(const std::vector<std::string_view>& kinds) {
  std::vector<archive::ArchivedItem> all;
  for (const std::string_view kind : kinds)
    all.push_back({.key = {kind, "", "one", "v1"}, .location = {}});
  return all;
}

// A webhook that is there before what answers for it would have everything after it refused.
TEST(RestorePlan, PutsWebhooksBehindTheRestAndClustersLast) {
  const auto all = items({"clusters.cluster.x-k8s.io",
                          "mutatingwebhookconfigurations.admissionregistration.k8s.io",
                          "widgets.example.com", "services"});
  const RestorePlan plan = plan_restore({}, all, make_discovery());
  EXPECT_THAT(ranks_of(plan),
              ElementsAre(ElementsAre("services"), ElementsAre("widgets.example.com"),
                          ElementsAre("mutatingwebhookconfigurations.admissionregistration.k8s.io"),
                          ElementsAre("clusters.cluster.x-k8s.io")));
}

TEST(RestorePlan, DoesNotTakeAnothersServicesForKubernetes) {
  const auto all = items({"services.serving.knative.dev", "configmaps", "deployments.apps"});
  EXPECT_THAT(ranks_of(plan_restore({}, all, make_discovery())),
              ElementsAre(ElementsAre("configmaps"),
                          ElementsAre("deployments.apps", "services.serving.knative.dev")));
}

TEST(RestorePlan, KeepsToTheServersOwnPriorities) {
  const ResourcePriorities own{.high = {"deploy", "cm"}, .low = {"secrets"}};
  const auto all = items({"secrets", "configmaps", "pods", "deployments.apps"});
  EXPECT_THAT(ranks_of(plan_restore({}, all, make_discovery(), own)),
              ElementsAre(ElementsAre("deployments.apps"), ElementsAre("configmaps"),
                          ElementsAre("pods"), ElementsAre("secrets")));
}

}  // namespace
}  // namespace lateen::restore
