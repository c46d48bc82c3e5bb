#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/backup.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/pod_volumes.h"
#include "model/requests.h"
#include "model/restarts.h"
#include "model/restore.h"
#include "model/schedule.h"
#include "server/backup_controllers.h"
#include "server/collection_controllers.h"
#include "server/deletion_controller.h"
#include "server/location_controller.h"
#include "server/recovery.h"
#include "server/schedule_controller.h"
#include "server/testing/velero_cluster.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::BackupStorageLocation;
using model::DeleteBackupRequest;
using model::Schedule;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ControllersTest : public ::testing::Test {
 protected:
  static void reconcile(const std::unique_ptr<Controller>& controller) {
    controller->reconcile({});
  }

  Backup backup(std::string name, BackupPhase phase) {
    Backup one;
    one.metadata.name = std::move(name);
    one.spec.storage_location = "default";
    one.status.phase = phase;
    return cluster_.create(one);
  }

  DeleteBackupRequest ask_to_delete(std::string name) {
    DeleteBackupRequest request;
    request.metadata.name = "delete-" + name;
    request.spec.backup_name = std::move(name);
    return cluster_.create(request);
  }

  void delete_backup(const std::string& name) {
    ask_to_delete(name);
    reconcile(make_deletion_controller(cluster_.context));
  }

  std::vector<std::string> names_of(const std::vector<Backup>& backups) {
    std::vector<std::string> names;
    for (const Backup& one : backups)
      names.push_back(one.metadata.name);
    return names;
  }

  samples::VeleroCluster cluster_;
};

// ---- Queue.

TEST_F(ControllersTest, OneBackupStartsAndTheOthersQueue) {
  backup("a", BackupPhase::New);
  backup("b", BackupPhase::Unset);
  backup("c", BackupPhase::Completed);
  reconcile(make_backup_queue_controller(cluster_.context));
  EXPECT_EQ(cluster_.get<Backup>("a").status.phase, BackupPhase::ReadyToStart);
  EXPECT_EQ(cluster_.get<Backup>("b").status.phase, BackupPhase::Queued);
  EXPECT_EQ(cluster_.get<Backup>("b").status.queue_position, 1);
  EXPECT_EQ(cluster_.get<Backup>("c").status.phase, BackupPhase::Completed);
}

TEST_F(ControllersTest, ABackupThatWaitsForOperationsDoesNotHoldUpTheNext) {
  backup("a", BackupPhase::WaitingForPluginOperations);
  backup("b", BackupPhase::New);
  reconcile(make_backup_queue_controller(cluster_.context));
  EXPECT_EQ(cluster_.get<Backup>("b").status.phase, BackupPhase::ReadyToStart);
}

// ---- The whole way of a small backup.

TEST_F(ControllersTest, ABackupRunsUploadsAndIsFinalized) {
  cluster_.api.create_yaml(R"(
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: '1'}}
)");
  Backup one;
  one.metadata.name = "b1";
  one.spec.included_namespaces = {"shop"};
  cluster_.create(one);
  reconcile(make_backup_queue_controller(cluster_.context));
  reconcile(make_backup_controller(cluster_.context));
  Backup done = cluster_.get<Backup>("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::Finalizing) << done.status.failure_reason;
  EXPECT_EQ(done.status.progress->items_backed_up, 2);
  reconcile(make_backup_finalizer_controller(cluster_.context));
  done = cluster_.get<Backup>("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::Completed);
  EXPECT_TRUE(done.status.completion_timestamp);
  const Backup stored = cluster_.store()->get_metadata("b1").value();
  EXPECT_EQ(stored.status.phase, BackupPhase::Completed);
  EXPECT_EQ(cluster_.store()->get_resource_list("b1").value(),
            (model::ResourceList{{"v1/ConfigMap", {"shop/c"}}, {"v1/Namespace", {"shop"}}}));
}

TEST_F(ControllersTest, ASecondBackupOfTheNameFailsAndLeavesTheFirstAlone) {
  cluster_.fill_bucket();
  Backup again = backup("bookstore-full", BackupPhase::ReadyToStart);
  reconcile(make_backup_controller(cluster_.context));
  again = cluster_.get<Backup>("bookstore-full");
  EXPECT_EQ(again.status.phase, BackupPhase::Failed);
  EXPECT_EQ(again.status.failure_reason, "backup already exists in object storage");
  EXPECT_TRUE(cluster_.store()->backup_exists("bookstore-full").value());
}

TEST_F(ControllersTest, ABackupWhosePolicyIsMissingFailsValidation) {
  Backup one;
  one.metadata.name = "b1";
  one.spec.resource_policy = {.kind = "configmap", .name = "gone"};
  one.status.phase = BackupPhase::ReadyToStart;
  cluster_.create(one);
  reconcile(make_backup_controller(cluster_.context));
  const Backup done = cluster_.get<Backup>("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::FailedValidation);
  EXPECT_THAT(done.status.validation_errors,
              ElementsAre(HasSubstr("fail to get ResourcePolicies velero/gone ConfigMap")));
  EXPECT_FALSE(cluster_.store()->backup_exists("b1").value());
}

// ---- Sync.

TEST_F(ControllersTest, WhatIsInTheBucketAppearsInTheCluster) {
  cluster_.fill_bucket();
  reconcile(make_sync_controller(cluster_.context));
  EXPECT_THAT(names_of(cluster_.list<Backup>()),
              UnorderedElementsAre("bookstore-app-web", "bookstore-full", "bookstore-hookfail",
                                   "bookstore-orlabels", "bookstore-policy", "bookstore-scoped",
                                   "cluster-all", "nightly-20261122103737"));
  const Backup full = cluster_.get<Backup>("bookstore-full");
  EXPECT_EQ(full.status.phase, BackupPhase::Completed);
  EXPECT_EQ(full.metadata.label("velero.io/storage-location"), "default");
  EXPECT_EQ(full.metadata.annotations.at("note"), "first");
  // Its pod volume backups come with it, and are of this Backup.
  std::size_t mine = 0;
  for (const auto& volume : cluster_.list<model::PodVolumeBackup>()) {
    if (volume.metadata.label("velero.io/backup-name") != "bookstore-full") continue;
    EXPECT_EQ(volume.metadata.label("velero.io/backup-uid"), full.metadata.uid);
    ++mine;
  }
  EXPECT_EQ(mine, 3U);
  EXPECT_TRUE(cluster_.get<BackupStorageLocation>("default").status.last_synced_time);
}

TEST_F(ControllersTest, WhatIsNoLongerInTheBucketGoesFromTheCluster) {
  cluster_.fill_bucket();
  const auto controller = make_sync_controller(cluster_.context);
  reconcile(controller);
  backup("never-uploaded", BackupPhase::Failed);
  ASSERT_TRUE(cluster_.store()->delete_backup("bookstore-policy"));
  cluster_.clock.advance(std::chrono::minutes(2));
  reconcile(controller);
  EXPECT_FALSE(cluster_.has<Backup>("bookstore-policy"));
  EXPECT_TRUE(cluster_.has<Backup>("bookstore-full"));
  EXPECT_TRUE(cluster_.has<Backup>("never-uploaded"));
}

TEST_F(ControllersTest, AnUnfinishedBackupOfAnotherClusterIsPassedOverUntilItExpires) {
  Backup one;
  one.metadata.name = "b1";
  one.status.phase = BackupPhase::WaitingForPluginOperations;
  one.status.expiration = cluster_.clock.now() + std::chrono::hours(1);
  ASSERT_TRUE(cluster_.store()->put_metadata(one));
  const auto controller = make_sync_controller(cluster_.context);
  reconcile(controller);
  EXPECT_FALSE(cluster_.has<Backup>("b1"));
  cluster_.clock.advance(std::chrono::hours(2));
  reconcile(controller);
  EXPECT_EQ(cluster_.get<Backup>("b1").status.phase, BackupPhase::PartiallyFailed);
}

// ---- Garbage collection and deletion.

TEST_F(ControllersTest, AnExpiredBackupIsAskedToBeDeletedOnce) {
  Backup one = backup("old", BackupPhase::Completed);
  one.status.expiration = cluster_.clock.now() - std::chrono::hours(1);
  cluster_.context.cluster.update(cluster_.get<Backup>("old"), one).value();
  backup("young", BackupPhase::Completed);
  const auto controller = make_gc_controller(cluster_.context);
  reconcile(controller);
  reconcile(controller);
  const auto requests = cluster_.list<DeleteBackupRequest>();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].spec.backup_name, "old");
  EXPECT_EQ(requests[0].metadata.label("velero.io/backup-uid"), one.metadata.uid);
}

TEST_F(ControllersTest, ADeletionThatFailedIsAskedForAgain) {
  Backup one = backup("old", BackupPhase::Deleting);
  Backup expired = one;
  expired.status.expiration = cluster_.clock.now() - std::chrono::hours(1);
  cluster_.context.cluster.update(one, expired).value();
  reconcile(make_gc_controller(cluster_.context));
  EXPECT_EQ(cluster_.list<DeleteBackupRequest>().size(), 1U);
}

TEST_F(ControllersTest, AnExpiredBackupInAReadOnlyBucketSaysWhyItStays) {
  BackupStorageLocation location = cluster_.get<BackupStorageLocation>("default");
  BackupStorageLocation read_only = location;
  read_only.spec.access_mode = model::AccessMode::ReadOnly;
  cluster_.context.cluster.update(location, read_only).value();
  Backup one = backup("old", BackupPhase::Completed);
  Backup expired = one;
  expired.status.expiration = cluster_.clock.now() - std::chrono::hours(1);
  cluster_.context.cluster.update(one, expired).value();
  reconcile(make_gc_controller(cluster_.context));
  EXPECT_EQ(cluster_.get<Backup>("old").metadata.label("velero.io/gc-failure"), "BSLReadOnly");
  EXPECT_THAT(cluster_.list<DeleteBackupRequest>(), IsEmpty());
}

TEST_F(ControllersTest, ADeletedBackupTakesItsFilesAndRestoresWithIt) {
  cluster_.fill_bucket();
  backup("bookstore-scoped", BackupPhase::Completed);
  model::Restore restore;
  restore.metadata.name = "copy";
  restore.spec.backup_name = "bookstore-scoped";
  cluster_.create(restore);
  delete_backup("bookstore-scoped");
  EXPECT_FALSE(cluster_.has<Backup>("bookstore-scoped"));
  EXPECT_FALSE(cluster_.has<model::Restore>("copy"));
  EXPECT_THAT(cluster_.list<DeleteBackupRequest>(), IsEmpty());
  EXPECT_FALSE(exists(cluster_.bucket() / "backups" / "bookstore-scoped"));
  EXPECT_FALSE(exists(cluster_.bucket() / "restores" / "copy"));
  EXPECT_TRUE(exists(cluster_.bucket() / "backups" / "bookstore-full"));
}

TEST_F(ControllersTest, ARefusedDeletionLeavesTheBackupAsItIs) {
  struct Case {
    const char* name;
    BackupPhase phase;
    const char* why;
  };

  cluster_.fill_bucket();
  for (const Case& one : {Case{"a", BackupPhase::InProgress, "backup is still in progress"},
                          Case{"b", BackupPhase::Finalizing, "backup is still in progress"}}) {
    backup(one.name, one.phase);
    delete_backup(one.name);
    EXPECT_EQ(cluster_.get<Backup>(one.name).status.phase, one.phase) << one.name;
    const auto request = cluster_.get<DeleteBackupRequest>(fmt::format("delete-{}", one.name));
    EXPECT_EQ(request.status.phase, model::RequestPhase::Processed);
    EXPECT_THAT(request.status.errors, ElementsAre(HasSubstr(one.why)));
  }
  ask_to_delete("nobody");
  reconcile(make_deletion_controller(cluster_.context));
  EXPECT_THAT(cluster_.get<DeleteBackupRequest>("delete-nobody").status.errors,
              ElementsAre("backup not found"));
}

// It failed because the bucket holds another of its name, which must not go with it: not by hand,
// and not by garbage collection either.
TEST_F(ControllersTest, DeletingABackupThatNeverRanSparesTheOneInTheBucket) {
  cluster_.fill_bucket();
  backup("bookstore-scoped", BackupPhase::ReadyToStart);
  reconcile(make_backup_controller(cluster_.context));
  ASSERT_EQ(cluster_.get<Backup>("bookstore-scoped").status.phase, BackupPhase::Failed);
  delete_backup("bookstore-scoped");
  EXPECT_FALSE(cluster_.has<Backup>("bookstore-scoped"));
  EXPECT_TRUE(cluster_.store()->backup_exists("bookstore-scoped").value());
}

// Killed between the Backup and the request: the next server ends it quietly.
TEST_F(ControllersTest, ADeletionThatWasInterruptedAtItsEndIsDone) {
  DeleteBackupRequest before = ask_to_delete("b1");
  DeleteBackupRequest begun = before;
  begun.status.phase = model::RequestPhase::InProgress;
  cluster_.context.cluster.update(before, begun).value();
  reconcile(make_deletion_controller(cluster_.context));
  EXPECT_THAT(cluster_.list<DeleteBackupRequest>(), IsEmpty());
}

// ---- Recovery.

TEST_F(ControllersTest, AnInterruptedBackupBeginsAnewAndItsFirstRunLeavesNothingInTheBucket) {
  backup("b1", BackupPhase::InProgress);
  ASSERT_TRUE(make_dirs(cluster_.bucket() / "backups" / "b1"));
  ASSERT_TRUE(write_file(cluster_.bucket() / "backups" / "b1" / "b1.tar.gz", "half", 0600));
  ASSERT_TRUE(begin_recovery(cluster_.context, {}));
  const Backup again = cluster_.get<Backup>("b1");
  EXPECT_EQ(again.status.phase, BackupPhase::ReadyToStart);
  EXPECT_EQ(model::restarts_of(again.metadata), 1);
  EXPECT_FALSE(exists(cluster_.bucket() / "backups" / "b1"));
}

TEST_F(ControllersTest, ABackupThatEndsEachServerIsGivenUp) {
  Backup one = backup("b1", BackupPhase::Unset);
  Backup begun = one;
  begun.metadata.annotations["lateen.io/restarts"] = std::to_string(kMaxRestarts);
  begun.status.phase = BackupPhase::InProgress;
  ASSERT_TRUE(cluster_.context.cluster.update(one, begun));
  ASSERT_TRUE(begin_recovery(cluster_.context, {}));
  const Backup done = cluster_.get<Backup>("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::Failed);
  EXPECT_THAT(done.status.failure_reason,
              HasSubstr("found a backup with status \"InProgress\" during the server starting, "
                        "mark it as \"Failed\""));
}

TEST_F(ControllersTest, AnInterruptedBackupWaitsForANodeAgentThatIsStillCopying) {
  const Backup one = backup("b1", BackupPhase::InProgress);
  model::PodVolumeBackup copy;
  copy.metadata.name = "b1-copy";
  copy.metadata.labels[std::string(model::labels::kBackupUid)] = one.metadata.uid;
  copy.spec.pod.ns = "shop";
  copy.spec.uploader_type = "kopia";
  copy.status.phase = model::DataPhase::InProgress;
  const auto made = cluster_.create(copy);
  const auto recovery = begin_recovery(cluster_.context, {});
  ASSERT_TRUE(recovery);
  EXPECT_EQ(cluster_.get<Backup>("b1").status.phase, BackupPhase::InProgress);
  const auto told = cluster_.get<model::PodVolumeBackup>("b1-copy");
  EXPECT_TRUE(told.spec.cancel);
  auto ended = told;
  ended.status.phase = model::DataPhase::Canceled;
  ASSERT_TRUE(cluster_.context.cluster.update(told, ended));
  reconcile(*recovery);
  EXPECT_EQ(cluster_.get<Backup>("b1").status.phase, BackupPhase::ReadyToStart);
  EXPECT_FALSE(cluster_.has<model::PodVolumeBackup>("b1-copy"));
}

TEST_F(ControllersTest, AnInterruptedBackupThatWasUploadedGoesOn) {
  Backup one = backup("b1", BackupPhase::InProgress);
  Backup uploaded = one;
  uploaded.status.phase = BackupPhase::Finalizing;
  ASSERT_TRUE(cluster_.store()->put_metadata(uploaded));
  ASSERT_TRUE(begin_recovery(cluster_.context, {}));
  EXPECT_EQ(cluster_.get<Backup>("b1").status.phase, BackupPhase::Finalizing);
}

TEST_F(ControllersTest, AnInterruptedBackupWhoseLocationIsGoneFails) {
  Backup one;
  one.metadata.name = "b1";
  one.spec.storage_location = "elsewhere";
  one.status.phase = BackupPhase::InProgress;
  cluster_.create(one);
  ASSERT_TRUE(begin_recovery(cluster_.context, {}));
  const Backup done = cluster_.get<Backup>("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::Failed);
  EXPECT_THAT(done.status.failure_reason, HasSubstr("elsewhere"));
}

TEST_F(ControllersTest, AnInterruptedRestoreBeginsAnewAndKnowsIt) {
  model::Restore restore;
  restore.metadata.name = "r1";
  restore.status.phase = model::RestorePhase::InProgress;
  cluster_.create(restore);
  ASSERT_TRUE(begin_recovery(cluster_.context, {}));
  const model::Restore again = cluster_.get<model::Restore>("r1");
  EXPECT_TRUE(model::is_new(again.status.phase.value()));
  EXPECT_EQ(model::restarts_of(again.metadata), 1);
}

// ---- Schedules.

class SchedulesTest : public ControllersTest {
 protected:
  Schedule nightly() {
    Schedule schedule;
    schedule.metadata.name = "nightly";
    schedule.spec.schedule = "@every 1h";
    Schedule made = cluster_.create(schedule);
    cluster_.clock.set(*made.metadata.creation_timestamp);
    return made;
  }

  void look() { reconcile(make_schedule_controller(cluster_.context)); }
};

TEST_F(SchedulesTest, ABackupIsMadeWhenItIsDueAndOnlyThen) {
  nightly();
  look();
  EXPECT_EQ(cluster_.get<Schedule>("nightly").status.phase, model::SchedulePhase::Enabled);
  EXPECT_EQ(cluster_.get<Schedule>("nightly").spec.skip_immediately, false);
  EXPECT_THAT(cluster_.list<Backup>(), IsEmpty());
  cluster_.clock.advance(std::chrono::hours(5));  // the server was away: one, not five
  look();
  look();
  EXPECT_EQ(cluster_.list<Backup>().size(), 1U);
  EXPECT_EQ(cluster_.get<Schedule>("nightly").status.last_backup, cluster_.clock.now());
}

TEST_F(SchedulesTest, TheNextWaitsUntilTheLastHasRun) {
  nightly();
  cluster_.clock.advance(std::chrono::hours(2));
  look();
  cluster_.clock.advance(std::chrono::hours(2));
  look();
  ASSERT_EQ(cluster_.list<Backup>().size(), 1U);  // it is new still
  const Backup first = cluster_.list<Backup>()[0];
  Backup done = first;
  done.status.phase = BackupPhase::Completed;
  cluster_.context.cluster.update(first, done).value();
  look();
  EXPECT_EQ(cluster_.list<Backup>().size(), 2U);
}

TEST_F(SchedulesTest, APausedOneMakesNone) {
  const Schedule before = nightly();
  Schedule paused = before;
  paused.spec.paused = true;
  cluster_.context.cluster.update(before, paused).value();
  cluster_.clock.advance(std::chrono::hours(2));
  look();
  EXPECT_THAT(cluster_.list<Backup>(), IsEmpty());
}

TEST_F(SchedulesTest, SkipImmediatelyCountsFromNow) {
  const Schedule before = nightly();
  Schedule skipping = before;
  skipping.spec.skip_immediately = true;
  cluster_.context.cluster.update(before, skipping).value();
  cluster_.clock.advance(std::chrono::hours(2));
  look();
  const Schedule after = cluster_.get<Schedule>("nightly");
  EXPECT_EQ(after.spec.skip_immediately, false);
  EXPECT_EQ(after.status.last_skipped, cluster_.clock.now());
  EXPECT_THAT(cluster_.list<Backup>(), IsEmpty());
}

TEST_F(SchedulesTest, ABadLineFailsValidation) {
  Schedule bad;
  bad.metadata.name = "bad";
  bad.spec.schedule = "soon";
  cluster_.create(bad);
  look();
  EXPECT_EQ(cluster_.get<Schedule>("bad").status.phase, model::SchedulePhase::FailedValidation);
  EXPECT_THAT(cluster_.get<Schedule>("bad").status.validation_errors,
              ElementsAre(::testing::StartsWith("invalid schedule: ")));
}

// ---- Locations.

TEST_F(ControllersTest, ALocationIsAvailableUntilItsBucketHoldsSomethingElse) {
  const auto controller = make_location_controller(cluster_.context);
  reconcile(controller);
  BackupStorageLocation location = cluster_.get<BackupStorageLocation>("default");
  EXPECT_EQ(location.status.phase, model::LocationPhase::Available);
  EXPECT_EQ(location.status.last_validation_time, cluster_.clock.now());
  ASSERT_TRUE(make_dirs(cluster_.bucket() / "holiday"));
  ASSERT_TRUE(write_file(cluster_.bucket() / "holiday" / "photo", "x", 0600));
  cluster_.clock.advance(std::chrono::minutes(2));
  reconcile(controller);
  location = cluster_.get<BackupStorageLocation>("default");
  EXPECT_EQ(location.status.phase, model::LocationPhase::Unavailable);
  EXPECT_THAT(location.status.message,
              HasSubstr("BackupStorageLocation \"default\" is unavailable: Backup store contains "
                        "invalid top-level directories: [holiday]"));
}

TEST_F(ControllersTest, OfTwoDefaultsOneStays) {
  BackupStorageLocation second = cluster_.get<BackupStorageLocation>("default");
  second.metadata = {};
  second.metadata.name = "second";
  cluster_.create(second);
  reconcile(make_location_controller(cluster_.context));
  EXPECT_NE(cluster_.get<BackupStorageLocation>("default").spec.is_default,
            cluster_.get<BackupStorageLocation>("second").spec.is_default);
}

}  // namespace
}  // namespace lateen::server
