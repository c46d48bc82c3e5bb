#include "backup/data_uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/operations.h"
#include "backup/testing/discovery.h"
#include "base/testing/fake_clock.h"
#include "base/yaml.h"
#include "kube/object.h"
#include "kube/testing/fake_api.h"

namespace lateen::backup {
namespace {

using model::OperationPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kUpload = "/apis/velero.io/v2alpha1/namespaces/velero/datauploads/nightly-x";

Json of_yaml(std::string_view text) {
  return parse_yaml(text).value();
}

std::string upload_in(std::string_view status) {
  return fmt::format(
      R"({{"metadata":{{"name":"nightly-x","namespace":"velero"}},"spec":{{"snapshotType":"CSI",)"
      R"("sourcePVC":"data","sourceNamespace":"shop","csiSnapshot":{{"volumeSnapshot":"vs"}}}},"status":{}}})",
      status);
}

class DataUploadsTest : public ::testing::Test {
 protected:
  DataUploadsTest() {
    model::BackupOperation one;
    one.spec.backup_item_action = kMoveAction;
    one.spec.operation_id = "du-b.c";
    one.spec.resource_identifier.resource = "persistentvolumeclaims";
    one.spec.resource_identifier.ns = "shop";
    one.spec.resource_identifier.name = "data";
    model::ResourceIdentifier upload;
    upload.group = "velero.io";
    upload.resource = "datauploads";
    upload.ns = "velero";
    upload.name = "nightly-x";
    one.spec.post_operation_items = {upload};
    one.status.phase = OperationPhase::New;
    one.status.created = clock_.now();
    operations_ = {one};
  }

  OperationsProgress poll() {
    const BackupTools tools{
        .client = *client_, .discovery = discovery_, .clock = clock_, .log = Log()};
    return poll_operations(operations_, std::chrono::hours(4), tools, {});
  }

  const model::OperationStatus& status() const { return operations_.front().status; }

  kube::FakeApi api_;
  std::unique_ptr<kube::Client> client_ = api_.client();
  FakeClock clock_;
  const kube::Discovery discovery_ = samples::make_discovery();
  std::vector<model::BackupOperation> operations_;
};

TEST_F(DataUploadsTest, AnOperationTellsHowFarTheDataAre) {
  api_.answer("GET " + kUpload, 200, upload_in("{}"));
  api_.answer("GET " + kUpload, 200,
              upload_in(R"({"phase":"InProgress","progress":{"totalBytes":10,"bytesDone":4}})"));
  api_.answer("GET " + kUpload, 200,
              upload_in(R"({"phase":"Completed","progress":{"totalBytes":10,"bytesDone":10}})"));
  EXPECT_TRUE(poll().running);
  EXPECT_EQ(status().phase, OperationPhase::New) << "no agent has seen it";
  EXPECT_TRUE(poll().running);
  EXPECT_EQ(status().n_completed, 4);
  EXPECT_EQ(status().n_total, 10);
  EXPECT_EQ(status().operation_units, "Bytes");
  EXPECT_EQ(status().description, "InProgress");
  const OperationsProgress last = poll();
  EXPECT_FALSE(last.running);
  EXPECT_EQ(last.completed, 1);
}

TEST_F(DataUploadsTest, AFailureIsTheAgentsOwnWords) {
  api_.answer("GET " + kUpload, 200,
              upload_in(R"({"phase":"Failed","message":"the bucket is full"})"));
  EXPECT_THAT(poll().new_errors, ElementsAre(HasSubstr("the bucket is full, plugin: "
                                                       "velero.io/csi-pvc-backupper")));
  EXPECT_EQ(status().phase, OperationPhase::Failed);
}

TEST_F(DataUploadsTest, OneThatIsGoneIsNotWaitedFor) {
  EXPECT_THAT(poll().new_errors, ElementsAre(HasSubstr("its DataUpload is gone")));
}

TEST_F(DataUploadsTest, OneThatTakesTooLongIsCanceled) {
  api_.answer("GET " + kUpload, 200, upload_in(R"({"phase":"InProgress"})"));
  api_.answer("PATCH " + kUpload, 200, upload_in("{}"));
  EXPECT_TRUE(poll().running);
  clock_.advance(std::chrono::hours(5));
  EXPECT_THAT(poll().new_errors, ElementsAre(HasSubstr("Asynchronous action timed out")));
  EXPECT_EQ(api_.asked().back().body, R"({"spec":{"cancel":true}})");
}

TEST(DataUpload, IsWrittenAsVeleroWritesIt) {
  model::Backup backup;
  backup.metadata.name = "nightly";
  backup.metadata.ns = "velero";
  backup.metadata.uid = "b-uid";
  backup.spec.storage_location = "default";
  backup.spec.csi_snapshot_timeout = std::chrono::minutes(10);
  Json claim = of_yaml(
      "{metadata: {name: data, namespace: shop, uid: c-uid}, spec: {storageClassName: fast}}");
  const volumes::CsiSnapshot snapshot{
      .snapshot = of_yaml("{metadata: {name: velero-data-x, namespace: shop}}"),
      .content = of_yaml("{spec: {driver: ebs.csi.aws.com}}")};
  model::DataUpload upload = new_data_upload(backup, claim, snapshot);
  EXPECT_EQ(upload.metadata.generate_name, "nightly-");
  EXPECT_EQ(upload.metadata.label("velero.io/async-operation-id"), "du-b-uid.c-uid");
  EXPECT_EQ(upload.metadata.label("velero.io/pvc-uid"), "c-uid");
  const Json spec = *find(model::to_json(upload), "spec");
  EXPECT_EQ(write_json(spec),
            R"({"backupStorageLocation":"default","csiSnapshot":{"driver":"ebs.csi.aws.com",)"
            R"("storageClass":"fast","volumeSnapshot":"velero-data-x"},"operationTimeout":"10m0s",)"
            R"("snapshotType":"CSI","sourceNamespace":"shop","sourcePVC":"data"})");
  upload.metadata.name = "nightly-x";
  mark_moved_claim(claim, upload);
  EXPECT_EQ(kube::annotation_of(claim, "velero.io/data-upload-name"), "velero/nightly-x");
}

TEST(MovedVolumes, AreToldOfByTheirUploads) {
  model::BackupVolumeInfo info;
  info.pvc_name = "data";
  info.pvc_namespace = "shop";
  info.snapshot_data_moved = true;
  info.snapshot_data_movement_info = model::SnapshotDataMovementInfo();
  std::vector<model::BackupVolumeInfo> infos = {info};
  FreshItems items;
  items[{"datauploads.velero.io", "velero", "nightly-x"}].object =
      parse_json(upload_in(R"({"phase":"Completed","snapshotID":"5d","incrementalBytes":3,)"
                           R"("progress":{"totalBytes":10}})"))
          .value();
  note_moved(items, infos);
  EXPECT_EQ(infos.front().result, model::VolumeResult::Succeeded);
  const model::SnapshotDataMovementInfo& moved = *infos.front().snapshot_data_movement_info;
  EXPECT_EQ(moved.snapshot_handle, "5d");
  EXPECT_EQ(moved.size, 10);
  EXPECT_EQ(moved.incremental_size, 3);
  EXPECT_EQ(moved.retained_snapshot, "vs");
  EXPECT_EQ(moved.phase, "Completed");
}

}  // namespace
}  // namespace lateen::backup
