#include "backup/plan.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/text.h"
#include "model/backup.h"
#include "model/codec.h"
#include "model/documents.h"

namespace lateen::backup {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<NamespaceFacts> namespaces() {
  return {{.name = "bookstore", .labels = {}},
          {.name = "default", .labels = {}},
          {.name = "kube-system", .labels = {}}};
}

BackupPlan plan_of(const model::BackupSpec& spec) {
  return plan_backup(spec, samples::make_discovery(), namespaces());
}

std::vector<std::string> kinds_of(const std::vector<CollectionStep>& rank) {
  std::vector<std::string> kinds;
  for (const CollectionStep& step : rank)
    kinds.push_back(step.type.group_resource());
  return kinds;
}

const CollectionStep* step_of(const BackupPlan& plan, std::string_view kind) {
  for (const auto& rank : plan.ranks) {
    for (const CollectionStep& step : rank) {
      if (step.type.group_resource() == kind) return &step;
    }
  }
  return nullptr;
}

TEST(BackupPlan, PodsComeBeforeClaimsBeforeVolumesBeforeTheRest) {
  const BackupPlan plan = plan_of({});
  ASSERT_EQ(plan.ranks.size(), 4U);
  EXPECT_THAT(kinds_of(plan.ranks[0]), ElementsAre("pods"));
  EXPECT_THAT(kinds_of(plan.ranks[1]), ElementsAre("persistentvolumeclaims"));
  EXPECT_THAT(kinds_of(plan.ranks[2]), ElementsAre("persistentvolumes"));
  EXPECT_THAT(kinds_of(plan.ranks[3]), Contains("deployments.apps"));
  EXPECT_THAT(kinds_of(plan.ranks[3]), Not(Contains("bindings")));    // cannot be listed
  EXPECT_THAT(kinds_of(plan.ranks[3]), Not(Contains("namespaces")));  // by what is in them
}

TEST(BackupPlan, AKindOfTwoGroupsIsTakenOnce) {
  const BackupPlan plan = plan_of({});
  EXPECT_NE(step_of(plan, "events"), nullptr);
  EXPECT_EQ(step_of(plan, "events.events.k8s.io"), nullptr);
}

// cluster-all of the fixtures: "the exclusion of `events` does not cover that group".
TEST(BackupPlan, ExcludingOneOfTheTwoLeavesTheOther) {
  model::BackupSpec spec;
  spec.excluded_resources = {"events"};
  const BackupPlan plan = plan_of(spec);
  EXPECT_EQ(step_of(plan, "events"), nullptr);
  EXPECT_NE(step_of(plan, "events.events.k8s.io"), nullptr);
}

TEST(BackupPlan, LooksIntoTheSelectedNamespacesOnly) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  const BackupPlan plan = plan_of(spec);
  EXPECT_THAT(step_of(plan, "configmaps")->namespaces, ElementsAre("bookstore"));
  EXPECT_FALSE(step_of(plan, "configmaps")->list_wide);
  EXPECT_EQ(step_of(plan, "storageclasses.storage.k8s.io"), nullptr);
}

TEST(BackupPlan, OneListOverAllNamespacesWhereMostAreWanted) {
  model::BackupSpec spec;
  spec.excluded_namespaces = {"kube-system"};
  const CollectionStep step = *step_of(plan_of(spec), "configmaps");
  EXPECT_TRUE(step.list_wide);
  EXPECT_THAT(step.namespaces, ElementsAre("bookstore", "default"));
}

TEST(BackupPlan, SelectorsGoToTheApiServerOneByOne) {
  model::BackupSpec spec;
  EXPECT_THAT(step_of(plan_of(spec), "pods")->label_selectors, ElementsAre(""));
  model::LabelSelector web;
  web.match_labels = {{"app", "web"}};
  spec.label_selector = web;
  EXPECT_THAT(step_of(plan_of(spec), "pods")->label_selectors, ElementsAre("app=web"));
  spec.label_selector.reset();
  model::LabelSelector payments;
  payments.match_labels = {{"app", "payments"}};
  spec.or_label_selectors = {web, payments};
  EXPECT_THAT(step_of(plan_of(spec), "pods")->label_selectors,
              ElementsAre("app=web", "app=payments"));
}

TEST(BackupPlan, OrderedResourcesGoToTheStepOfTheirKind) {
  model::BackupSpec spec;
  spec.ordered_resources = {{"po", "bookstore/db-1, bookstore/db-0"}, {"publishers", "north"}};
  const BackupPlan plan = plan_of(spec);
  EXPECT_THAT(step_of(plan, "pods")->first, ElementsAre("bookstore/db-1", "bookstore/db-0"));
  EXPECT_THAT(plan.warnings,
              ElementsAre("orderedResources names publishers, which this backup does not collect"));
}

TEST(BackupPlan, HoldsEveryServedVersionWhenTold) {
  std::vector<samples::Kind> served = samples::kinds();
  served.push_back({"horizontalpodautoscalers.autoscaling", "v1", "HorizontalPodAutoscaler"});
  const auto versions_of = [&served](Versions versions) {
    std::vector<std::string> found;
    const BackupPlan plan =
        plan_backup({}, samples::make_discovery(served), namespaces(), versions);
    for (const CollectionStep& step : plan.ranks[3]) {
      if (step.type.gvr.group == "autoscaling") found.push_back(step.type.gvr.version);
    }
    return found;
  };
  EXPECT_THAT(versions_of(Versions::Preferred), ElementsAre("v2"));
  EXPECT_THAT(versions_of(Versions::All), ElementsAre("v2", "v1"));
}

TEST(BackupPlan, WarnsOfNamespacesThatArgoCdManages) {
  std::vector<NamespaceFacts> present = namespaces();
  present[0].labels["argocd.argoproj.io/managed-by"] = "argocd";
  EXPECT_THAT(plan_backup({}, samples::make_discovery(), present).warnings,
              ElementsAre("backup operation may encounter complications and potentially produce "
                          "undesirable results due to the inclusion of namespaces [bookstore] "
                          "managed by ArgoCD in the backup."));
  model::BackupSpec spec;
  spec.excluded_namespaces = {"bookstore"};
  EXPECT_THAT(plan_backup(spec, samples::make_discovery(), present).warnings, IsEmpty());
}

TEST(BackupPlan, SaysWhatCannotBeHad) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore", "gone"};
  EXPECT_THAT(plan_of(spec).errors, ElementsAre("fail to get the namespace gone specified in "
                                                "backup.Spec.IncludedNamespaces"));
}

TEST(BackupPlan, SaysWhyAKindIsLeftOut) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  spec.excluded_resources = {"secrets"};
  const std::string text = describe(plan_of(spec));
  EXPECT_NE(text.find("skip secrets: excluded\n"), std::string::npos);
  EXPECT_NE(text.find("skip nodes: cluster-scoped, and not all namespaces are included\n"),
            std::string::npos);
}

// ---- The plans of the backups that the real Velero made: what they hold was listed or led to.

Json read_json(const FilePath& path, bool packed) {
  auto bytes = read_file(path);
  EXPECT_TRUE(bytes) << path;
  if (!bytes) return {};
  auto text = packed ? gunzip(*bytes, 64_MiB) : std::move(bytes);
  auto json = parse_json(*text);
  EXPECT_TRUE(json) << path;
  return json ? std::move(*json) : Json();
}

class VelerosOwnBackups : public ::testing::TestWithParam<const char*> {};

TEST_P(VelerosOwnBackups, HoldTheKindsThatThePlanCollects) {
  const std::string name = GetParam();
  const FilePath dir = FilePath(LATEEN_TESTDATA) / "velero-bucket" / "bucket" / "backups" / name;
  const auto backup = model::from_json<model::Backup>(read_json(dir / "velero-backup.json", false));
  ASSERT_TRUE(backup) << backup.error().message();
  const BackupPlan plan = plan_of(backup->spec);
  const kube::Discovery discovery = samples::make_discovery();
  const Json list = read_json(dir / (name + "-resource-list.json.gz"), true);
  for (const auto& [key, objects] : list.as_object()) {
    const Cut parts = cut_last(std::string_view(key), "/");
    const kube::ResourceType* type = discovery.find_kind(parts.before, parts.after);
    if (type == nullptr || type->gvr.resource == "namespaces") continue;
    EXPECT_TRUE(step_of(plan, type->group_resource()) != nullptr ||
                plan.resources.why_not_as_additional(*type).empty())
        << name << " holds " << type->group_resource();
  }
  // And nothing that the filters of these specs name is collected that is not in them.
  for (const auto& rank : plan.ranks) {
    for (const CollectionStep& step : rank) {
      const std::string kind = fmt::format("{}/{}", step.type.gvr.api_version(), step.type.kind);
      const bool narrow = !backup->spec.included_resources.empty() ||
                          !backup->spec.included_namespace_scoped_resources.empty();
      EXPECT_TRUE(!narrow || list.as_object().contains(kind)) << name << ": " << kind;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(,
                         VelerosOwnBackups,
                         ::testing::Values("bookstore-full",
                                           "bookstore-app-web",
                                           "bookstore-orlabels",
                                           "bookstore-policy",
                                           "bookstore-scoped",
                                           "bookstore-hookfail",
                                           "cluster-all",
                                           "nightly-20261122103737"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace lateen::backup
