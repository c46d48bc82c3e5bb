// Volumes that are snapshotted natively, from the backup to its deletion.
#include "model/native_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/native_snapshot_action.h"
#include "model/backup.h"
#include "model/requests.h"
#include "model/restore.h"
#include "server/backup_controllers.h"
#include "server/deletion_controller.h"
#include "server/recovery.h"
#include "server/restore_controller.h"
#include "server/testing/velero_cluster.h"
#include "volumes/testing/memory_storage.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Restore;
using model::RestorePhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::string_view kShop = R"(
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-db, labels: {topology.kubernetes.io/zone: eu-west-1b, tier: data}}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Delete
  awsElasticBlockStore: {volumeID: "aws://eu-west-1b/vol-db", fsType: ext4}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: shop, name: db, uid: old}
status: {phase: Bound}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db, namespace: shop, annotations: {pv.kubernetes.io/bind-completed: "yes"}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 10Gi}}
  volumeName: pv-db
  storageClassName: ""
status: {phase: Bound}
)";

const kube::GroupVersionResource kVolumes{"", "v1", "persistentvolumes"};
const kube::GroupVersionResource kClaims{"", "v1", "persistentvolumeclaims"};

class NativeSnapshotTest : public ::testing::Test {
 protected:
  NativeSnapshotTest() {
    storage_.add_to(cluster_.snapshotters, "memory");
    storage_.volumes["vol-db"] = {.info = {.type = "gp3", .iops = 4000, .throughput = 250},
                                  .az = "eu-west-1b",
                                  .data = "rows"};
    model::VolumeSnapshotLocation location;
    location.metadata.name = "local";
    location.spec.provider = "memory";
    cluster_.create(location);
    cluster_.api.create_yaml(kShop);
    set_bound(kVolumes, "", "pv-db");
    set_bound(kClaims, "shop", "db");
  }

  void set_bound(const kube::GroupVersionResource& gvr, std::string ns, std::string name) {
    const Json patch = JsonObject{{"status", JsonObject{{"phase", "Bound"}}}};
    const kube::ObjectPath path{.gvr = gvr, .ns = std::move(ns), .name = std::move(name)};
    const auto done =
        cluster_.api.client().patch(path.sub("status"), kube::PatchType::Merge, patch, {}, {});
    EXPECT_TRUE(done) << (done ? "" : done.error().describe());
  }

  Backup back_up(const std::string& name, model::BackupSpec spec = {}) {
    Backup one;
    one.metadata.name = name;
    one.metadata.labels = {{"team", "books"}};
    one.spec = std::move(spec);
    one.spec.included_namespaces = {"shop"};
    cluster_.create(one);
    make_backup_queue_controller(cluster_.context)->reconcile({});
    make_backup_controller(cluster_.context)->reconcile({});
    make_backup_finalizer_controller(cluster_.context)->reconcile({});
    return cluster_.get<Backup>(name);
  }

  Restore restore(const std::string& name, model::RestoreSpec spec) {
    Restore one;
    one.metadata.name = name;
    one.spec = std::move(spec);
    cluster_.create(one);
    const auto controller = make_restore_controller(cluster_.context);
    controller->reconcile({});
    controller->wait();
    return cluster_.get<Restore>(name);
  }

  void remove(const kube::GroupVersionResource& gvr, std::string ns, std::string name) {
    const kube::ObjectPath path{.gvr = gvr, .ns = std::move(ns), .name = std::move(name)};
    // Nobody runs here who would take the protection's finalizers off.
    auto patched = cluster_.api.client().patch(
        path, kube::PatchType::Merge,
        Json(JsonObject{{"metadata", JsonObject{{"finalizers", nullptr}}}}), {}, {});
    EXPECT_TRUE(patched);
    EXPECT_TRUE(cluster_.api.client().remove(path, {}, {}));
  }

  void lose_the_shop() {
    remove(kClaims, "shop", "db");
    remove(kVolumes, "", "pv-db");
    storage_.volumes.clear();
  }

  Json get(const kube::GroupVersionResource& gvr, std::string ns, std::string name) {
    auto object = cluster_.api.client().get(
        {.gvr = gvr, .ns = std::move(ns), .name = std::move(name)}, {}, {});
    EXPECT_TRUE(object) << (object ? "" : object.error().message());
    return object ? std::move(*object) : Json();
  }

  std::string errors_of(const std::string& restore) {
    return write_json(
        model::to_json(cluster_.store()->get_restore_results(restore).value().errors));
  }

  model::DeleteBackupRequest delete_backup(const std::string& name) {
    model::DeleteBackupRequest request;
    request.metadata.name = fmt::format("delete-{}-{}", name, ++requests_);
    request.spec.backup_name = name;
    cluster_.create(request);
    make_deletion_controller(cluster_.context)->reconcile({});
    return cluster_.has<model::DeleteBackupRequest>(request.metadata.name)
               ? cluster_.get<model::DeleteBackupRequest>(request.metadata.name)
               : model::DeleteBackupRequest();
  }

  int requests_ = 0;
  volumes::testing::MemoryStorage storage_;
  samples::VeleroCluster cluster_;
};

TEST_F(NativeSnapshotTest, ABackupTakesThemAndSaysWhereTheyAre) {
  const Backup done = back_up("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::Completed);
  EXPECT_EQ(done.status.volume_snapshots_attempted, 1);
  EXPECT_EQ(done.status.volume_snapshots_completed, 1);
  ASSERT_THAT(storage_.snapshots, SizeIs(1));
  const auto& [id, snapshot] = *storage_.snapshots.begin();
  EXPECT_EQ(snapshot.volume.data, "rows");
  EXPECT_THAT(snapshot.tags, ElementsAre(Pair("team", "books"), Pair("velero.io/backup", "b1"),
                                         Pair("velero.io/pv", "pv-db"),
                                         Pair("velero.io/storage-location", "default")));
  const auto recorded = cluster_.store()->get_volume_snapshots("b1").value();
  ASSERT_THAT(recorded, SizeIs(1));
  EXPECT_EQ(recorded[0].spec.location, "local");
  EXPECT_EQ(recorded[0].spec.provider_volume_id, "vol-db");
  EXPECT_EQ(recorded[0].spec.volume_type, "gp3");
  EXPECT_EQ(recorded[0].spec.volume_az, "eu-west-1b");
  EXPECT_EQ(recorded[0].spec.volume_iops, 4000);
  EXPECT_EQ(recorded[0].status.provider_snapshot_id, id);
  const auto infos = cluster_.store()->get_volume_infos("b1").value();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_EQ(infos[0].pvc_name, "db");
  EXPECT_EQ(infos[0].backup_method, model::VolumeBackupMethod::NativeSnapshot);
  EXPECT_EQ(infos[0].native_snapshot_info->snapshot_handle, id);
  EXPECT_EQ(infos[0].native_snapshot_info->iops, "4000");
}

TEST_F(NativeSnapshotTest, OneThatFailsMakesTheBackupPartial) {
  storage_.before = [](std::string_view, std::string_view) {
    return Error(Code::TooManyRequests, "SnapshotLimitExceeded");
  };
  const Backup done = back_up("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::PartiallyFailed);
  EXPECT_EQ(done.status.volume_snapshots_attempted, 1);
  EXPECT_EQ(done.status.volume_snapshots_completed, 0);
  const auto results = cluster_.store()->get_results("b1").value();
  EXPECT_THAT(write_json(model::to_json(results.errors)), HasSubstr("SnapshotLimitExceeded"));
  lose_the_shop();
  restore("r1", {.backup_name = "b1"});
  EXPECT_THAT(errors_of("r1"), HasSubstr("its snapshot failed when it was backed up"));
  EXPECT_EQ(string_at(get(kClaims, "shop", "db"), "spec.volumeName"), "");
}

TEST_F(NativeSnapshotTest, AVolumeThatNoLocationKnowsIsSkippedWithItsReason) {
  cluster_.context.cluster
      .modify<model::VolumeSnapshotLocation>(
          "local", [](auto& location) { location.spec.provider = "none"; })
      .value();
  const Backup done = back_up("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::PartiallyFailed);
  const auto results = cluster_.store()->get_results("b1").value();
  EXPECT_THAT(write_json(model::to_json(results.errors)),
              HasSubstr("Error getting volume snapshotter for volume snapshot location"));
  const auto infos = cluster_.store()->get_volume_infos("b1").value();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_TRUE(infos[0].skipped);
  EXPECT_EQ(infos[0].skipped_reason,
            "csiSnapshot: skipped b/c it's not a CSI volume;"
            "volumeSnapshot: no applicable volumesnapshotter found;");
}

TEST_F(NativeSnapshotTest, AVolumePolicyThatSkipsIsObeyed) {
  model::BackupSpec spec;
  spec.snapshot_volumes = false;
  back_up("b1", spec);
  EXPECT_THAT(storage_.snapshots, IsEmpty());
}

TEST_F(NativeSnapshotTest, AClaimWhoseVolumeIsLeftOutIsTold) {
  model::BackupSpec spec;
  spec.included_resources = {"persistentvolumeclaims"};
  const Backup done = back_up("b1", spec);
  EXPECT_GT(done.status.warnings, 0);
  EXPECT_THAT(storage_.snapshots, IsEmpty());
  const auto infos = cluster_.store()->get_volume_infos("b1").value();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_EQ(infos[0].skipped_reason, "its PersistentVolume is not in the backup");
}

TEST_F(NativeSnapshotTest, ARestoreMakesTheVolumeAgainWhereItWas) {
  back_up("b1");
  lose_the_shop();
  const Restore done = restore("r1", {.backup_name = "b1"});
  EXPECT_EQ(done.status.phase, RestorePhase::Completed) << errors_of("r1");
  ASSERT_THAT(storage_.volumes, SizeIs(1));
  const auto& [id, volume] = *storage_.volumes.begin();
  EXPECT_EQ(volume.data, "rows");
  EXPECT_EQ(volume.az, "eu-west-1b");
  EXPECT_EQ(volume.info,
            (volumes::StoredVolumeInfo{.type = "gp3", .iops = 4000, .throughput = 250}));
  EXPECT_EQ(volume.tags.at("velero.io/restore"), "r1");
  const Json restored = get(kVolumes, "", "pv-db");
  EXPECT_THAT(std::string(string_at(restored, "spec.awsElasticBlockStore.volumeID")),
              HasSubstr(id));
  EXPECT_EQ(string_at(restored, "spec.claimRef.namespace"), "shop");
  EXPECT_EQ(string_at(restored, "spec.claimRef.uid"), "");
  EXPECT_EQ(string_at(get(kClaims, "shop", "db"), "spec.volumeName"), "pv-db");
  const auto infos = cluster_.store()->get_restore_volume_infos("r1").value();
  ASSERT_THAT(infos, SizeIs(1));
  EXPECT_EQ(infos[0].restore_method, model::VolumeRestoreMethod::NativeSnapshot);
  EXPECT_EQ(infos[0].pv_name, "pv-db");
  EXPECT_EQ(infos[0].pvc_name, "db");
}

TEST_F(NativeSnapshotTest, AVolumeThatIsThereIsNotMadeTwice) {
  back_up("b1");
  restore("r1", {.backup_name = "b1"});
  EXPECT_THAT(storage_.volumes, SizeIs(1));
}

TEST_F(NativeSnapshotTest, IntoAnotherNamespaceTheVolumeGetsAnotherName) {
  back_up("b1");
  const Restore done =
      restore("r1", {.backup_name = "b1", .namespace_mapping = {{"shop", "shop-copy"}}});
  EXPECT_EQ(done.status.phase, RestorePhase::Completed) << errors_of("r1");
  EXPECT_THAT(storage_.volumes, SizeIs(2));
  const std::string name(string_at(get(kClaims, "shop-copy", "db"), "spec.volumeName"));
  EXPECT_THAT(name, StartsWith("velero-clone-"));
  const Json volume = get(kVolumes, "", name);
  EXPECT_EQ(string_at(volume, "spec.claimRef.namespace"), "shop-copy");
  EXPECT_EQ(kube::annotation_of(volume, "velero.io/original-pv-name"), "pv-db");
  EXPECT_EQ(cluster_.store()->get_restore_volume_infos("r1").value().at(0).pv_name, name);
}

TEST_F(NativeSnapshotTest, WithoutVolumesTheObjectComesBackAsItWas) {
  back_up("b1");
  lose_the_shop();
  restore("r1", {.backup_name = "b1", .restore_pvs = false});
  EXPECT_THAT(storage_.volumes, IsEmpty());
  EXPECT_EQ(string_at(get(kVolumes, "", "pv-db"), "spec.awsElasticBlockStore.volumeID"),
            "aws://eu-west-1b/vol-db");
}

TEST_F(NativeSnapshotTest, ASnapshotThatIsGoneIsAnErrorOfItsVolume) {
  back_up("b1");
  lose_the_shop();
  storage_.snapshots.clear();
  const Restore done = restore("r1", {.backup_name = "b1"});
  EXPECT_EQ(done.status.phase, RestorePhase::PartiallyFailed);
  EXPECT_THAT(errors_of("r1"),
              HasSubstr("persistentvolumes/pv-db: from its snapshot: no snapshot"));
}

TEST_F(NativeSnapshotTest, TheyGoWithTheirBackup) {
  back_up("b1");
  back_up("b2");
  ASSERT_THAT(storage_.snapshots, SizeIs(2));
  delete_backup("b1");
  EXPECT_FALSE(cluster_.has<Backup>("b1"));
  ASSERT_THAT(storage_.snapshots, SizeIs(1));
  EXPECT_EQ(storage_.snapshots.begin()->second.tags.at("velero.io/backup"), "b2");
}

TEST_F(NativeSnapshotTest, TheBackupStaysWhileOneCannotBeDeleted) {
  back_up("b1");
  storage_.before = [](std::string_view, std::string_view id) {
    return Error(Code::Forbidden, "not authorized to delete {}", id);
  };
  const auto request = delete_backup("b1");
  EXPECT_EQ(request.status.phase, model::RequestPhase::Processed);
  EXPECT_THAT(request.status.errors, ElementsAre(HasSubstr("not authorized to delete snap-")));
  EXPECT_TRUE(cluster_.has<Backup>("b1"));
  EXPECT_TRUE(cluster_.store()->backup_exists("b1").value());
  storage_.before = [](std::string_view, std::string_view) { return Status(); };
  delete_backup("b1");
  EXPECT_THAT(storage_.snapshots, IsEmpty());
  EXPECT_FALSE(cluster_.has<Backup>("b1"));
}

// The server was killed between the snapshot and the end of the backup.
TEST_F(NativeSnapshotTest, WhatAnInterruptedBackupTookIsDeleted) {
  back_up("b1");
  const FilePath folder = cluster_.bucket() / "backups" / "b1";
  EXPECT_TRUE(remove_tree(folder / "velero-backup.json"));
  cluster_.context.cluster
      .modify<Backup>("b1", [](Backup& now) { now.status.phase = BackupPhase::InProgress; })
      .value();
  ASSERT_THAT(storage_.snapshots, SizeIs(1));
  EXPECT_TRUE(begin_recovery(cluster_.context, {}));
  EXPECT_THAT(storage_.snapshots, IsEmpty());
  EXPECT_EQ(cluster_.get<Backup>("b1").status.phase, BackupPhase::ReadyToStart);
}

// The same, but between the storage's answer and its note in the bucket.
TEST_F(NativeSnapshotTest, WhatNobodyNotedIsFoundInTheStorageAndDeleted) {
  back_up("b1");
  auto records = cluster_.store()->get_volume_snapshots("b1").value();
  ASSERT_THAT(records, SizeIs(1));
  backup::NativeSnapshots journal(
      [this](const auto& all) { return cluster_.store()->put_volume_snapshots("b1", all); });
  records[0].status = {};
  EXPECT_TRUE(journal.begin(records[0], cluster_.clock.now()));
  EXPECT_TRUE(remove_tree(cluster_.bucket() / "backups" / "b1" / "velero-backup.json"));
  cluster_.context.cluster
      .modify<Backup>("b1", [](Backup& now) { now.status.phase = BackupPhase::InProgress; })
      .value();
  ASSERT_THAT(storage_.snapshots, SizeIs(1));
  EXPECT_TRUE(begin_recovery(cluster_.context, {}));
  EXPECT_THAT(storage_.snapshots, IsEmpty());
}

TEST_F(NativeSnapshotTest, AnAnswerThatIsLostDoesNotLoseTheSnapshot) {
  storage_.loses_answers = true;
  const Backup done = back_up("b1");
  EXPECT_EQ(done.status.phase, BackupPhase::Completed);
  ASSERT_THAT(storage_.snapshots, SizeIs(1));
  const auto recorded = cluster_.store()->get_volume_snapshots("b1").value();
  ASSERT_THAT(recorded, SizeIs(1));
  EXPECT_EQ(recorded[0].status.provider_snapshot_id, storage_.snapshots.begin()->first);
  EXPECT_TRUE(recorded[0].status.unknown.empty());
}

}  // namespace
}  // namespace lateen::server
