#include "backup/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/csi_actions.h"
#include "backup/testing/discovery.h"
#include "base/byte_source.h"
#include "base/log_capture.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "kube/object.h"
#include "kube/testing/fake_api.h"

namespace lateen::backup {
namespace {

using model::BackupOperation;
using model::OperationPhase;
using ::testing::ElementsAre;

constexpr const char* kSnapshot =
    "/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots/vs-1";
constexpr const char* kContent = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/c-1";
constexpr const char* kBound =
    R"({"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshot","metadata":{"name":"vs-1","namespace":"shop"},"status":{"boundVolumeSnapshotContentName":"c-1"}})";

std::string content(const std::string& status) {
  return R"({"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshotContent","metadata":{"name":"c-1"},"spec":{"driver":"d","deletionPolicy":"Delete"},"status":)" +
         status + "}";
}

std::string get(const char* path) {
  return std::string("GET ") + path;
}

class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() {
    BackupOperation one;
    one.spec.backup_item_action = kSnapshotAction;
    one.spec.operation_id = "shop/vs-1/2026-11-22T10:09:21Z";
    one.spec.resource_identifier = {.group = "snapshot.storage.k8s.io",
                                    .resource = "volumesnapshots",
                                    .ns = "shop",
                                    .name = "vs-1"};
    one.spec.post_operation_items = {one.spec.resource_identifier,
                                     {.group = "snapshot.storage.k8s.io",
                                      .resource = "volumesnapshotcontents",
                                      .ns = {},
                                      .name = "c-1"}};
    one.status.phase = OperationPhase::New;
    one.status.created = clock_.now();
    operations_ = {one};
    backup_.metadata.name = "b1";
  }

  BackupTools tools() {
    return {.client = *client_, .discovery = discovery_, .clock = clock_, .log = Log().to(sink_)};
  }

  OperationsProgress poll() {
    return poll_operations(operations_, std::chrono::hours(4), tools(), {});
  }

  // A tarball of one snapshot and its content, as the backup's run stores them.
  Bytes tarball() {
    BytesSink sink;
    archive::ArchiveWriter writer(sink, nullptr, clock_, {});
    add(writer, "volumesnapshots.snapshot.storage.k8s.io", "shop", "vs-1", kBound);
    add(writer, "volumesnapshotcontents.snapshot.storage.k8s.io", "", "c-1",
        content(R"({"readyToUse":false,"snapshotHandle":"h1"})"));
    add(writer, "configmaps", "shop", "c", R"({"kind":"ConfigMap"})");
    EXPECT_TRUE(writer.finish({}));
    return sink.take();
  }

  static void add(archive::ArchiveWriter& writer,
                  std::string_view kind,
                  std::string_view ns,
                  std::string_view name,
                  std::string_view json) {
    EXPECT_TRUE(writer.add({kind, ns, name, "v1", true}, json, {}));
  }

  // The tarball after finalizing.
  archive::ArchiveReader finalized(const Bytes& before) {
    EXPECT_TRUE(write_file(dir_.path() / "before.tar.gz", before, 0600));
    const auto reader = archive::ArchiveReader::open(dir_.path() / "before.tar.gz", {}, {});
    EXPECT_TRUE(reader);
    BytesSink sink;
    archive::ArchiveWriter writer(sink, nullptr, clock_, {});
    EXPECT_TRUE(finalize_backup(backup_, operations_, volumes_, tools(), *reader, writer, {}));
    EXPECT_TRUE(writer.finish({}));
    EXPECT_TRUE(write_file(dir_.path() / "after.tar.gz", sink.take(), 0600));
    return archive::ArchiveReader::open(dir_.path() / "after.tar.gz", {}, {}).value();
  }

  static Json read(const archive::ArchiveReader& archive,
                   std::string_view kind,
                   std::string_view ns,
                   std::string_view name) {
    const archive::ArchivedItem* item = archive.find(kind, ns, name);
    EXPECT_NE(item, nullptr) << kind;
    return item == nullptr ? Json() : parse_json(archive.read(*item).value()).value();
  }

  kube::FakeApi api_;
  std::unique_ptr<kube::Client> client_ = api_.client();
  const kube::Discovery discovery_ = samples::make_discovery();
  FakeClock clock_;
  TempDir dir_ = std::move(*TempDir::create("lateen-operations"));
  std::shared_ptr<CapturingSink> sink_ = std::make_shared<CapturingSink>(
      LogLevel::Info, LogFormat::Text, [](BytesView) { return Status(); });
  model::Backup backup_;
  std::vector<BackupOperation> operations_;
  std::vector<model::BackupVolumeInfo> volumes_;
};

TEST_F(OperationsTest, ASnapshotIsWaitedForUntilItIsReady) {
  api_.answer(get(kSnapshot), 200, kBound);
  api_.answer(get(kContent), 200, content(R"({"readyToUse":false})"));
  api_.answer(get(kContent), 200, content(R"({"readyToUse":true})"));
  EXPECT_TRUE(poll().running);
  EXPECT_EQ(operations_[0].status.phase, OperationPhase::InProgress);
  clock_.advance(std::chrono::minutes(1));
  const OperationsProgress second = poll();
  EXPECT_FALSE(second.running);
  EXPECT_EQ(second.completed, 1);
  EXPECT_EQ(operations_[0].status.updated, clock_.now());
  EXPECT_FALSE(poll().changed);  // what has ended is not asked again
}

TEST_F(OperationsTest, ADriversErrorEndsIt) {
  api_.answer(get(kSnapshot), 200, kBound);
  api_.answer(get(kContent), 200, content(R"({"error":{"message":"quota is full"}})"));
  const OperationsProgress progress = poll();
  EXPECT_EQ(progress.failed, 1);
  EXPECT_THAT(progress.new_errors,
              ElementsAre("quota is full, plugin: velero.io/csi-volumesnapshot-backupper"));
}

TEST_F(OperationsTest, WhatTakesTooLongFails) {
  api_.answer(get(kSnapshot), 200, kBound);
  api_.answer(get(kContent), 200, content("{}"));
  EXPECT_TRUE(poll().running);
  clock_.advance(std::chrono::hours(5));
  EXPECT_THAT(poll().new_errors, ElementsAre("Asynchronous action timed out, plugin: "
                                             "velero.io/csi-volumesnapshot-backupper"));
}

TEST_F(OperationsTest, CanceledOnesFailWithTheReason) {
  const BackupTools tools{
      .client = *client_, .discovery = discovery_, .clock = clock_, .log = Log().to(sink_)};
  const OperationsProgress progress =
      cancel_operations(operations_, "canceled by annotation lateen.io/cancel", tools, {});
  EXPECT_FALSE(progress.running);
  EXPECT_EQ(progress.failed, std::ssize(operations_));
  EXPECT_EQ(operations_[0].status.error,
            "canceled by annotation lateen.io/cancel, plugin: "
            "velero.io/csi-volumesnapshot-backupper");
  EXPECT_FALSE(poll().changed);
}

TEST_F(OperationsTest, ASnapshotThatSomebodyDeletedFails) {
  api_.answer(get(kSnapshot), 404, kube::status_body(404, "NotFound", "gone"));
  EXPECT_EQ(poll().failed, 1);
}

TEST_F(OperationsTest, AnApiServerThatIsAwayIsAskedAgain) {
  api_.answer(get(kSnapshot), 403, kube::status_body(403, "Forbidden", "not now"));
  const OperationsProgress progress = poll();
  EXPECT_TRUE(progress.running);
  EXPECT_EQ(progress.failed, 0);
}

TEST_F(OperationsTest, FinalizingStoresTheSnapshotAsItIsByThen) {
  api_.answer(get(kSnapshot), 200, kBound);
  api_.answer(get(kContent), 200,
              content(R"({"readyToUse":true,"snapshotHandle":"h1","restoreSize":1024})"));
  poll();
  volumes_.resize(1);
  volumes_[0].csi_snapshot_info.emplace();
  volumes_[0].csi_snapshot_info->operation_id = operations_[0].spec.operation_id;
  const archive::ArchiveReader after = finalized(tarball());
  EXPECT_EQ(after.items().size(), 3U);
  const Json stored = read(after, "volumesnapshotcontents.snapshot.storage.k8s.io", "", "c-1");
  EXPECT_EQ(bool_at(stored, "status.readyToUse"), true);
  // By this label a deletion knows the content for the backup's own.
  EXPECT_EQ(kube::label_of(stored, "velero.io/backup-name"), "b1");
  const Json snapshot = read(after, "volumesnapshots.snapshot.storage.k8s.io", "shop", "vs-1");
  EXPECT_EQ(kube::annotation_of(snapshot, "velero.io/csi-volumesnapshot-handle"), "h1");
  EXPECT_EQ(volumes_[0].result, model::VolumeResult::Succeeded);
  EXPECT_EQ(volumes_[0].csi_snapshot_info->ready_to_use, true);
  EXPECT_EQ(volumes_[0].completion_timestamp, operations_[0].status.updated);
}

// Killed after the snapshots were released and before the end was written down: the tarball keeps
// what the first time put into it.
TEST_F(OperationsTest, FinalizingAgainAfterACrashLosesNothing) {
  api_.answer(get(kSnapshot), 404, kube::status_body(404, "NotFound", "gone"));
  api_.answer(get(kContent), 404, kube::status_body(404, "NotFound", "gone"));
  operations_[0].status.phase = OperationPhase::Completed;
  const archive::ArchiveReader after = finalized(tarball());
  EXPECT_EQ(after.items().size(), 3U);
  EXPECT_EQ(string_at(read(after, "volumesnapshotcontents.snapshot.storage.k8s.io", "", "c-1"),
                      "status.snapshotHandle"),
            "h1");
  EXPECT_EQ(release_snapshots(operations_, tools(), {}).value(), 0);
}

TEST_F(OperationsTest, ASnapshotThatCannotBeReleasedIsCounted) {
  api_.answer(get(kSnapshot), 200, kBound);
  api_.answer(std::string("PATCH ") + kContent, 403, kube::status_body(403, "Forbidden", "no"));
  EXPECT_EQ(release_snapshots(operations_, tools(), {}).value(), 1);
  EXPECT_EQ(sink_->errors(), 1U);
  EXPECT_EQ(api_.count(std::string("DELETE ") + kSnapshot), 0U);
}

}  // namespace
}  // namespace lateen::backup
