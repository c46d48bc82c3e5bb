#include "restore/item_creator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "restore/object_preparation.h"
#include "restore/testing/fixtures.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::restore {
namespace {

using samples::yaml;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kDiffers =
    "already exists. Warning: the in-cluster version is different than the backed-up version";

class ItemCreatorTest : public ::testing::Test {
 protected:
  // Restores the object into a cluster that may have one of that name.
  CreatedItem bring(std::string_view text, const kube::GroupVersionResource& gvr) {
    const Json original = yaml(text);
    Json object = original;
    label_as_restored(object, "b1", "r1");
    ItemCreator creator(api_.client(), restore_.spec.existing_resource_policy.value(),
                        std::chrono::seconds(60), earlier_);
    const kube::ObjectPath path{.gvr = gvr,
                                .ns = std::string(kube::namespace_of(object)),
                                .name = std::string(kube::name_of(object))};
    auto item = creator.bring({.path = path, .object = object, .original = original}, {});
    EXPECT_TRUE(item) << (item ? "" : item.error().describe());
    return item ? std::move(*item) : CreatedItem();
  }

  CreatedItem bring_config(std::string_view data) {
    return bring(fmt::format("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: "
                             "default}}, data: {}}}",
                             data),
                 {"", "v1", "configmaps"});
  }

  Json there(const kube::GroupVersionResource& gvr, std::string name) {
    return api_.client().get({.gvr = gvr, .ns = "default", .name = std::move(name)}).value();
  }

  sandbox::testing::RestApi api_;
  model::Restore restore_;
  EarlierRun earlier_;
};

TEST_F(ItemCreatorTest, CreatesWhatIsNotThere) {
  const CreatedItem item = bring_config("{a: '1'}");
  EXPECT_EQ(to_string(item.outcome), "created");
  EXPECT_EQ(kube::label_of(there({"", "v1", "configmaps"}, "c"), "velero.io/restore-name"), "r1");
}

TEST_F(ItemCreatorTest, LeavesTheSameAlone) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: '1'}}");
  const CreatedItem item = bring_config("{a: '1'}");
  EXPECT_EQ(to_string(item.outcome), "skipped");
  EXPECT_THAT(item.warnings, IsEmpty());
  EXPECT_FALSE(kube::has_label(there({"", "v1", "configmaps"}, "c"), "velero.io/restore-name"));
}

TEST_F(ItemCreatorTest, WhatTheRunBeforeAnInterruptionMadeCountsAsCreated) {
  bring_config("{a: '1'}");
  earlier_ = {.restore_label = "r1", .began = TimePoint()};
  EXPECT_EQ(to_string(bring_config("{a: '1'}").outcome), "created");
  earlier_.began = TimePoint::max();
  EXPECT_EQ(to_string(bring_config("{a: '1'}").outcome), "updated") << "it was there before";
  earlier_.restore_label = "r2";
  EXPECT_EQ(to_string(bring_config("{a: '1'}").outcome), "skipped") << "another restore's";
}

// The list and the warning of Velero's own restore of bookstore: "(failed)".
TEST_F(ItemCreatorTest, LeavesWhatDiffersAloneAndWarns) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: '2'}}");
  EXPECT_THAT(bring_config("{a: '1'}").warnings,
              ElementsAre(fmt::format("could not restore, ConfigMap:c {}", kDiffers)));
  EXPECT_EQ(to_string(bring_config("{a: '1'}").outcome), "failed");
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::None;
  EXPECT_THAT(bring_config("{a: '1'}").warnings,
              ElementsAre(fmt::format("could not restore, ConfigMap \"c\" {}", kDiffers)));
  EXPECT_EQ(string_at(there({"", "v1", "configmaps"}, "c"), "data.a"), "2");
}

TEST_F(ItemCreatorTest, BringsWhatDiffersUpToOursWhereThePolicySaysSo) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: '2', "
      "b: x}}");
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Update;
  EXPECT_EQ(to_string(bring_config("{a: '1'}").outcome), "updated");
  EXPECT_EQ(*find(there({"", "v1", "configmaps"}, "c"), "data"), yaml("{a: '1'}"));
}

TEST_F(ItemCreatorTest, LabelsTheSameWhereThePolicySaysSo) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: '1'}}");
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Update;
  EXPECT_EQ(to_string(bring_config("{a: '1'}").outcome), "skipped");
  EXPECT_EQ(kube::label_of(there({"", "v1", "configmaps"}, "c"), "velero.io/restore-name"), "r1");
}

TEST_F(ItemCreatorTest, WhatMayNotBeUpdatedIsLabelledWithAWarning) {
  api_.create_yaml(
      "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}, type: Opaque, "
      "immutable: true, data: {}}");
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Update;
  const CreatedItem item = bring(
      "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}, type: Opaque, "
      "immutable: true, data: {a: YQ==}}",
      {"", "v1", "secrets"});
  EXPECT_EQ(item.warnings.size(), 1U);
  EXPECT_EQ(kube::label_of(there({"", "v1", "secrets"}, "s"), "velero.io/restore-name"), "r1");
}

TEST_F(ItemCreatorTest, MergesServiceAccounts) {
  api_.create_yaml(R"(
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: default, annotations: {mine: kept}}
imagePullSecrets: [{name: theirs}]
)");
  const CreatedItem item = bring(R"(
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: default, annotations: {mine: lost, other: added}}
imagePullSecrets: [{name: ours}, {name: theirs}]
)",
                                 {"", "v1", "serviceaccounts"});
  EXPECT_EQ(to_string(item.outcome), "updated");
  const Json now = there({"", "v1", "serviceaccounts"}, "web");
  EXPECT_EQ(*find(now, "imagePullSecrets"), yaml("[{name: theirs}, {name: ours}]"));
  EXPECT_EQ(*find(now, "metadata.annotations"), yaml("{mine: kept, other: added}"));
}

// Every namespace has one as soon as it is there: not worth a word, and never to be overwritten.
TEST_F(ItemCreatorTest, LeavesTheClustersOwnCertificatesAlone) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: default}, "
      "data: {ca.crt: new}}");
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Update;
  const CreatedItem item = bring(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: default}, "
      "data: {ca.crt: old}}",
      {"", "v1", "configmaps"});
  EXPECT_EQ(to_string(item.outcome), "skipped");
  EXPECT_THAT(item.warnings, IsEmpty());
}

// A controller made both: it will make it what it should be here.
TEST_F(ItemCreatorTest, LeavesToTheClusterWhatAControllerOwns) {
  const auto replicas = [](int count) {
    return fmt::format(
        "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: web-1, namespace: default, "
        "ownerReferences: [{{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: "
        "true}}]}}, spec: {{replicas: {}, selector: {{matchLabels: {{a: b}}}}, template: "
        "{{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}}}}}",
        count);
  };
  api_.create_yaml(replicas(1));
  const CreatedItem item = bring(replicas(3), {"apps", "v1", "replicasets"});
  EXPECT_EQ(to_string(item.outcome), "skipped");
  EXPECT_THAT(item.warnings, IsEmpty());
}

TEST_F(ItemCreatorTest, CreatesAnewWhatDiffersWhereThePolicySaysSo) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, immutable: true, "
      "data: {a: '1'}}");
  const std::string before(kube::uid_of(there({"", "v1", "configmaps"}, "c")));
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Recreate;
  const CreatedItem item = bring_config("{a: '2'}");
  EXPECT_EQ(to_string(item.outcome), "created");
  const Json now = there({"", "v1", "configmaps"}, "c");
  EXPECT_EQ(string_at(now, "data.a"), "2");
  EXPECT_NE(kube::uid_of(now), before);
  EXPECT_EQ(to_string(bring_config("{a: '2'}").outcome), "skipped");
}

TEST_F(ItemCreatorTest, SaysWhatKeepsAnObjectThatIsToBeCreatedAnew) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default, finalizers: "
      "[example.com/held]}, data: {a: '1'}}");
  const Json object = yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: '2'}}");
  ItemCreator creator(api_.client(), model::ExistingResourcePolicy::Recreate,
                      std::chrono::milliseconds(30));
  const kube::ObjectPath path{.gvr = {"", "v1", "configmaps"}, .ns = "default", .name = "c"};
  const auto item = creator.bring({.path = path, .object = object, .original = object}, {});
  ASSERT_FALSE(item);
  EXPECT_THAT(item.error().message(), HasSubstr("example.com/held"));
}

// To delete a claim would be to delete its data.
TEST_F(ItemCreatorTest, NeverDeletesAClaimToCreateItAnew) {
  const auto claim = [](std::string_view size) {
    return fmt::format(
        "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: c, namespace: default}}, "
        "spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {}}}}}}}}}",
        size);
  };
  api_.create_yaml(claim("1Gi"));
  const std::string before(kube::uid_of(there({"", "v1", "persistentvolumeclaims"}, "c")));
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Recreate;
  bring(claim("2Gi"), {"", "v1", "persistentvolumeclaims"});
  EXPECT_EQ(kube::uid_of(there({"", "v1", "persistentvolumeclaims"}, "c")), before);
}

TEST_F(ItemCreatorTest, AppliesBesideWhatOthersHaveAdded) {
  api_.create_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: '1', "
      "mine: kept}}");
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Apply;
  EXPECT_EQ(to_string(bring_config("{a: '2'}").outcome), "updated");
  const Json now = there({"", "v1", "configmaps"}, "c");
  EXPECT_EQ(string_at(now, "data.a"), "2");
  EXPECT_EQ(string_at(now, "data.mine"), "kept");
}

TEST_F(ItemCreatorTest, APortThatAnotherServiceHasIsAnError) {
  const auto service = [](std::string_view name) {
    return fmt::format(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {}, namespace: default}}, spec: "
        "{{type: "
        "NodePort, ports: [{{port: 80, nodePort: 30080}}]}}}}",
        name);
  };
  api_.create_yaml(service("first"));
  const Json object = yaml(service("second"));
  ItemCreator creator(api_.client(), model::ExistingResourcePolicy::Unset, {});
  const kube::ObjectPath path{.gvr = {"", "v1", "services"}, .ns = "default", .name = "second"};
  const auto item = creator.bring({.path = path, .object = object, .original = object}, {});
  ASSERT_FALSE(item);
  EXPECT_THAT(item.error().message(), HasSubstr("provided port is already allocated"));
}

}  // namespace
}  // namespace lateen::restore
