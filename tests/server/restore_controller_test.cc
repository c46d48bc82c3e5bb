// Restores as the controller runs them: side by side, cancelled, and gone on with.
#include "server/restore_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/backup.h"
#include "model/names.h"
#include "model/restore.h"
#include "server/restore_pending.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using model::Restore;
using model::RestorePhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RestoreControllerTest : public ::testing::Test {
 protected:
  RestoreControllerTest() {
    cluster_.fill_bucket();
    model::Backup backup;
    backup.metadata.name = "bookstore-scoped";
    backup.spec.storage_location = "default";
    backup.status.phase = model::BackupPhase::Completed;
    cluster_.create(backup);
  }

  Restore add(const std::string& name, model::RestoreSpec spec = {}) {
    Restore one;
    one.metadata.name = name;
    one.spec = std::move(spec);
    one.spec.backup_name = "bookstore-scoped";
    return cluster_.create(one);
  }

  void reconcile() {
    const auto controller = make_restore_controller(cluster_.context);
    controller->reconcile({});
    controller->wait();
  }

  RestorePhase phase_of(const std::string& name) {
    return cluster_.get<Restore>(name).status.phase.value();
  }

  samples::VeleroCluster cluster_;
};

TEST_F(RestoreControllerTest, SeveralRunAtOnce) {
  add("one", {.included_resources = {"configmaps"}});
  add("two", {.included_resources = {"configmaps"}, .namespace_mapping = {{"*", "copy-*"}}});
  reconcile();
  EXPECT_EQ(phase_of("one"), RestorePhase::Completed);
  EXPECT_EQ(phase_of("two"), RestorePhase::Completed);
  EXPECT_TRUE(
      cluster_.api.client().get({.gvr = {"", "v1", "namespaces"}, .name = "copy-bookstore"}));
}

TEST_F(RestoreControllerTest, TwoNamespacesMayNotBecomeOne) {
  add("bad", {.namespace_mapping = {{"a-*", "b-*-*"}}});
  reconcile();
  const Restore bad = cluster_.get<Restore>("bad");
  EXPECT_EQ(bad.status.phase, RestorePhase::FailedValidation);
  EXPECT_THAT(bad.status.validation_errors, ElementsAre(HasSubstr("a-*:b-*-*")));
}

// What waited when the server stopped is gone on with, and a hook that was at work is not run
// again.
TEST_F(RestoreControllerTest, GoesOnWithWhatWasBeingFinalized) {
  Restore restore = add("r1");
  restore.status.phase = RestorePhase::Finalizing;
  restore.status.progress.emplace().items_restored = 7;
  ASSERT_TRUE(cluster_.context.cluster.modify<Restore>(
      "r1", [&restore](Restore& now) { now.status = restore.status; }));
  model::RestoreExecHook hook;
  hook.name = "load";
  hook.container = "c";
  hook.command = {"true"};
  hook.continue_on_error = false;
  restore::RestoreOutcome left;
  left.hooked_pods.push_back(
      {.ns = "bookstore", .name = "db-0", .hooks = {hook, hook}, .begun = 1});
  const auto store = cluster_.store();
  ASSERT_TRUE(store->put_restore_pending("r1", write_restore_pending(left)));
  model::Results results;
  results.warnings.add("bookstore", "said before");
  ASSERT_TRUE(store->put_restore_results("r1", results));

  reconcile();
  const Restore done = cluster_.get<Restore>("r1");
  EXPECT_EQ(done.status.phase, RestorePhase::PartiallyFailed);
  EXPECT_EQ(done.status.warnings, 1);
  EXPECT_EQ(done.status.hook_status->hooks_attempted, 2);
  EXPECT_EQ(done.status.hook_status->hooks_failed, 2);
  const model::Results after = store->get_restore_results("r1").value();
  EXPECT_THAT(after.errors.namespaces.at("bookstore"),
              ElementsAre(HasSubstr("is not run again"), HasSubstr("one before it failed")));
  EXPECT_FALSE(store->get_restore_pending("r1"));
}

TEST_F(RestoreControllerTest, WhatGoesOnWithoutItsBackupHasPartiallyFailed) {
  Restore restore = add("r1");
  ASSERT_TRUE(cluster_.context.cluster.modify<Restore>(
      "r1", [](Restore& now) { now.status.phase = RestorePhase::Finalizing; }));
  ASSERT_TRUE(cluster_.context.cluster.remove<model::Backup>("bookstore-scoped"));
  reconcile();
  EXPECT_EQ(phase_of("r1"), RestorePhase::PartiallyFailed);
}

TEST_F(RestoreControllerTest, OneWhoseEndCouldNotBeWrittenHasFailed) {
  add("r1", {.included_resources = {"configmaps"}});
  const auto controller = make_restore_controller(cluster_.context);
  controller->reconcile({});
  controller->wait();
  ASSERT_TRUE(cluster_.context.cluster.modify<Restore>(
      "r1", [](Restore& now) { now.status.phase = RestorePhase::InProgress; }));
  controller->reconcile({});
  EXPECT_EQ(phase_of("r1"), RestorePhase::Failed);
}

TEST_F(RestoreControllerTest, OneThatAnEarlierServerWasAtIsLeftToTheRecovery) {
  add("r1");
  ASSERT_TRUE(cluster_.context.cluster.modify<Restore>(
      "r1", [](Restore& now) { now.status.phase = RestorePhase::InProgress; }));
  reconcile();
  EXPECT_EQ(phase_of("r1"), RestorePhase::InProgress);
}

// A claim that never binds keeps it finalizing; the annotation ends that.
TEST_F(RestoreControllerTest, AnAnnotationCancels) {
  add("r1");
  ASSERT_TRUE(cluster_.context.cluster.modify<Restore>(
      "r1", [](Restore& now) { now.status.phase = RestorePhase::Finalizing; }));
  cluster_.api.create_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: bookstore}}");
  cluster_.api.create_yaml(
      "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: bookstore}, "
      "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}");
  restore::RestoreOutcome left;
  left.provisioned_claims.push_back(
      {.ns = "bookstore", .name = "c", .reclaim_policy = "Retain", .labels = {}});
  ASSERT_TRUE(cluster_.store()->put_restore_pending("r1", write_restore_pending(left)));

  const auto controller = make_restore_controller(cluster_.context);
  controller->reconcile({});
  ASSERT_TRUE(cluster_.context.cluster.modify<Restore>("r1", [](Restore& now) {
    now.metadata.annotations[std::string(model::annotations::kCancel)] = "true";
  }));
  controller->wait();
  const Restore done = cluster_.get<Restore>("r1");
  EXPECT_EQ(done.status.phase, RestorePhase::Failed);
  EXPECT_THAT(done.status.failure_reason, HasSubstr("canceled"));
  EXPECT_TRUE(cluster_.store()->get_restore_log("r1"));
}

TEST(RestorePending, SurvivesItsDocument) {
  model::RestoreExecHook hook;
  hook.name = "h";
  hook.source = model::HookSource::Annotation;
  hook.container = "c";
  hook.command = {"sh", "-c", "true"};
  hook.exec_timeout = std::chrono::seconds(90);
  hook.wait_for_ready = true;
  restore::RestoreOutcome before;
  before.hooked_pods.push_back({.ns = "n", .name = "p", .hooks = {hook}, .gave_up = true});
  before.provisioned_claims.push_back(
      {.ns = "n", .name = "c", .reclaim_policy = "Delete", .labels = {{"a", "b"}}});
  before.hooks.hooks_attempted = 3;
  restore::RestoreOutcome after;
  ASSERT_TRUE(read_restore_pending(write_restore_pending(before), after));
  EXPECT_EQ(after.hooked_pods.at(0).hooks, before.hooked_pods.at(0).hooks);
  EXPECT_TRUE(after.hooked_pods.at(0).gave_up);
  EXPECT_EQ(after.provisioned_claims.at(0).labels, before.provisioned_claims.at(0).labels);
  EXPECT_EQ(after.hooks.hooks_attempted, 3);
}

TEST(RestorePending, RefusesWhatDoesNotFit) {
  restore::RestoreOutcome outcome;
  EXPECT_FALSE(read_restore_pending("{\"version\":2}", outcome));
  EXPECT_FALSE(read_restore_pending(
      R"({"version":1,"hookedPods":[{"name":"p","hooks":[],"begun":4,"ended":3}]})", outcome));
}

}  // namespace
}  // namespace lateen::server
