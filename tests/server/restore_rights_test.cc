// A server that may write outside its namespace only while a restore runs: against the sandbox's
// API server, whose authorizer is Kubernetes' (tests/sandbox/rbac).
#include "server/restore_rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/backup.h"
#include "model/restore.h"
#include "server/restore_controller.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kSmallRights = R"(
{apiVersion: v1, kind: ServiceAccount, metadata: {name: velero, namespace: velero}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: velero-backup}
rules:
  - {apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch]}
  - {nonResourceURLs: ["*"], verbs: [get]}
  - {apiGroups: [velero.io], resources: ["*"], verbs: ["*"]}
  - {apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews], verbs: [create]}
  - {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [create]}
  - {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], resourceNames: [velero-restore], verbs: [delete]}
  - {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [velero-restore], verbs: [bind]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: velero-restore}
rules:
  - {apiGroups: ["*"], resources: ["*"], verbs: [create, update, patch, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: velero-backup}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: velero-backup}
subjects: [{kind: ServiceAccount, name: velero, namespace: velero}]
)";

class RestoreRightsTest : public ::testing::Test {
 protected:
  RestoreRightsTest() {
    cluster_.api.create_yaml(kSmallRights);
    const Json asked = JsonObject{{"apiVersion", "authentication.k8s.io/v1"},
                                  {"kind", "TokenRequest"},
                                  {"spec", JsonObject()}};
    const Json answer = cluster_.api.client()
                            .create({.gvr = {"", "v1", "serviceaccounts"},
                                     .ns = "velero",
                                     .name = "velero",
                                     .subresource = "token"},
                                    asked)
                            .value();
    kube::ClusterConfig config;
    config.server = cluster_.api.url();
    config.source = "the test";
    config.identity.token = Secret(std::string(string_at(answer, "status.token")));
    client_ = std::move(kube::Client::open(std::move(config)).value());
  }

  bool is_bound() {
    return cluster_.api.client()
        .get({.gvr = {"rbac.authorization.k8s.io", "v1", "clusterrolebindings"},
              .name = "velero-restore"})
        .has_value();
  }

  Status make_config_map(const std::string& name) {
    const Json object = JsonObject{
        {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", JsonObject{{"name", name}}}};
    const auto made = client_->create({.gvr = {"", "v1", "configmaps"}, .ns = "default"}, object);
    return made ? Status() : Status(made.error());
  }

  static RestoreRole role() {
    return {.role = "velero-restore", .account = "velero", .ns = "velero"};
  }

  samples::VeleroCluster cluster_;
  std::unique_ptr<kube::Client> client_;
};

TEST_F(RestoreRightsTest, TheServerMayWriteOnlyWhileItHoldsThem) {
  RestoreRights rights(*client_, role(), Log());
  const Status before = make_config_map("before");
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code(), Code::Forbidden);
  {
    const auto held = rights.acquire({});
    ASSERT_TRUE(held) << held.error().describe();
    EXPECT_TRUE(make_config_map("meanwhile"));
  }
  EXPECT_FALSE(is_bound());
  EXPECT_FALSE(make_config_map("after"));
}

TEST_F(RestoreRightsTest, TheLastOfSeveralGivesThemBack) {
  RestoreRights rights(*client_, role(), Log());
  std::optional<RestoreRights::Hold> one(rights.acquire({}).value());
  std::optional<RestoreRights::Hold> two(rights.acquire({}).value());
  one.reset();
  EXPECT_TRUE(make_config_map("for-two"));
  ASSERT_TRUE(rights.remove_left({}));
  EXPECT_TRUE(is_bound()) << "they are in use";
  two.reset();
  EXPECT_FALSE(is_bound());
}

TEST_F(RestoreRightsTest, WhatAServerThatDiedHasLeftIsRemovedOrTakenOver) {
  {
    RestoreRights died(*client_, role(), Log());
    auto held = died.acquire({});
    ASSERT_TRUE(held);
    RestoreRights next(*client_, role(), Log());
    EXPECT_TRUE(next.acquire({})) << "it is there already";
    EXPECT_FALSE(is_bound());
    ASSERT_TRUE(next.acquire({}));
  }
  cluster_.api.create_yaml(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: velero-restore}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: velero-restore}
subjects: [{kind: ServiceAccount, name: velero, namespace: velero}]
)");
  RestoreRights next(*client_, role(), Log());
  EXPECT_TRUE(next.remove_left({}));
  EXPECT_FALSE(is_bound());
}

TEST_F(RestoreRightsTest, NoOtherRoleCanBeBound) {
  RestoreRights rights(*client_, {.role = "cluster-admin", .account = "velero", .ns = "velero"},
                       Log());
  const auto held = rights.acquire({});
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().describe(), HasSubstr("`bind` on ClusterRole cluster-admin"));
}

TEST_F(RestoreRightsTest, ARestoreRunsWithThemAndLeavesNothing) {
  cluster_.fill_bucket();
  model::Backup backup;
  backup.metadata.name = "bookstore-scoped";
  backup.spec.storage_location = "default";
  backup.status.phase = model::BackupPhase::Completed;
  cluster_.create(backup);
  model::Restore restore;
  restore.metadata.name = "one";
  restore.spec.backup_name = "bookstore-scoped";
  restore.spec.included_resources = {"configmaps"};
  cluster_.create(restore);

  RestoreRights rights(*client_, role(), Log());
  ServerContext context{.config = cluster_.config,
                        .cluster = Cluster(*client_, "velero"),
                        .clock = cluster_.clock,
                        .rng = cluster_.rng,
                        .log = Log(),
                        .stores = cluster_.stores,
                        .snapshotters = cluster_.snapshotters,
                        .metrics = cluster_.metrics,
                        .restore_rights = &rights};
  const auto controller = make_restore_controller(context);
  controller->reconcile({});
  controller->wait();
  const auto done = cluster_.get<model::Restore>("one");
  EXPECT_EQ(done.status.phase, model::RestorePhase::Completed) << done.status.failure_reason;
  EXPECT_TRUE(cluster_.api.client()
                  .get({.gvr = {"", "v1", "namespaces"}, .name = "bookstore"})
                  .has_value());
  EXPECT_FALSE(is_bound());
}

}  // namespace
}  // namespace lateen::server
