#include "restore/item_creator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "restore/object_preparation.h"
#include "restore/testing/fixtures.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::restore {
namespace {

using samples::yaml;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kDiffers =
    "already exists. Warning: the in-cluster version is different than the backed-up version";

class ItemCreatorTest : public testing::Test {
 protected:
  // Restores the object into a cluster that may have one of that name.
  CreatedItem bring(std::string_view text, const kube::GroupVersionResource& gvr) {
    Json object = yaml(text);
    label_as_restored(object, "b1", "r1");
    ItemCreator creator(api_.client(), restore_);
    auto item = creator.bring({.gvr = gvr,
                               .ns = std::string(kube::namespace_of(object)),
                               .name = std::string(kube::name_of(object))},
                              object, {});
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
  ItemCreator creator(api_.client(), restore_);
  const auto item =
      creator.bring({.gvr = {"", "v1", "services"}, .ns = "default", .name = "second"}, object, {});
  ASSERT_FALSE(item);
  EXPECT_THAT(item.error().message(), HasSubstr("provided port is already allocated"));
}

}  // namespace
}  // namespace lateen::restore
