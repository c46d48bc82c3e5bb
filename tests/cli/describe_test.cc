#include "cli/describe.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "cli/fixture.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

using model::DownloadTargetKind;

const DescribeStyle kAsPrinted{.details = true, .colors = true};

class BackupOfVelero : public ::testing::TestWithParam<std::string> {};

TEST_P(BackupOfVelero, IsDescribedByteForByteAsVeleroDoes) {
  EXPECT_EQ(describe_backup(fixture_backup(GetParam()), kAsPrinted),
            read_fixture("describe-backup-" + GetParam() + ".txt"));
}

INSTANTIATE_TEST_SUITE_P(Fixtures,
                         BackupOfVelero,
                         ::testing::Values("bookstore-full", "bookstore-hookfail", "cluster-all"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class RestoreOfVelero : public ::testing::TestWithParam<std::string> {};

TEST_P(RestoreOfVelero, IsDescribedByteForByteAsVeleroDoes) {
  EXPECT_EQ(describe_restore(fixture_restore(GetParam()), kAsPrinted),
            read_fixture("describe-restore-" + GetParam() + ".txt"));
}

INSTANTIATE_TEST_SUITE_P(Fixtures,
                         RestoreOfVelero,
                         ::testing::Values("copy", "dr", "modified", "update"),
                         [](const auto& one) { return one.param; });

TEST(DescribeSchedule, IsByteForByteWhatVeleroPrints) {
  EXPECT_EQ(describe_schedule(fixture_object<model::Schedule>("nightly"), kAsPrinted),
            read_fixture("schedule-describe.txt"));
}

TEST(DescribeBackupJson, IsByteForByteWhatVeleroPrints) {
  EXPECT_EQ(describe_backup_json(fixture_backup("bookstore-full"), {}),
            read_fixture("describe-backup-bookstore-full.json"));
}

TEST(DescribeBackup, ShowsNoColorsUnlessAsked) {
  const std::string text = describe_backup(fixture_backup("bookstore-full"), {.details = true});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("Name:         bookstore-full\n"), std::string::npos);
  EXPECT_NE(text.find("Phase:  Completed\n"), std::string::npos);
}

TEST(DescribeBackup, WithoutDetailsCountsVolumesAndLeavesTheResourceListOut) {
  const std::string text = describe_backup(fixture_backup("bookstore-full"), {});
  EXPECT_EQ(text.find("Resource List:"), std::string::npos);
  EXPECT_NE(text.find("  Pod Volume Backups - kopia (specify --details for more information):\n"
                      "    Completed:  3\n"),
            std::string::npos)
      << text;
}

TEST(DescribeBackup, AdvisesTheProgramThatRuns) {
  const std::string text =
      describe_backup(fixture_backup("bookstore-hookfail"), {.program = "lateen"});
  EXPECT_NE(text.find("(run `lateen backup logs bookstore-hookfail` for more information)"),
            std::string::npos);
}

TEST(DescribeBackup, TellsTimesInTheReadersZone) {
  const auto zone = Zone::find("Europe/Berlin");
  ASSERT_TRUE(zone);
  const std::string text = describe_backup(fixture_backup("bookstore-full"), {.zone = *zone});
  EXPECT_NE(text.find("Started:    2026-11-22 11:37:15 +0100 CET\n"), std::string::npos) << text;
}

DescribedBackup without_documents(Error why) {
  DescribedBackup described = fixture_backup("bookstore-hookfail");
  described.document = [why](DownloadTargetKind) -> Result<Bytes> { return why; };
  return described;
}

TEST(DescribeBackup, OfABucketWithoutDocumentsIsTheSpecAndTheCounts) {
  const std::string text = describe_backup(
      without_documents(Error(Code::NotFound, "file not found")), {.details = true});
  EXPECT_NE(text.find("\nErrors:    4\nWarnings:  0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Resource List:  <backup resource list not found>\n"), std::string::npos);
  EXPECT_NE(text.find("  CSI Snapshots: <none included or not detectable>\n"), std::string::npos);
  EXPECT_NE(text.find("Namespaces:\n  Included:  bookstore\n"), std::string::npos);
}

TEST(DescribeBackup, SaysAtEachPlaceWhyADocumentCouldNotBeHad) {
  const Error why(Code::DeadlineExceeded, "nobody answered");
  const std::string text = describe_backup(without_documents(why), {.details = true});
  EXPECT_NE(text.find("Warnings:  <error getting warnings: nobody answered>\n\n"
                      "Errors:  <error getting errors: nobody answered>\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("<error getting backup resource list: nobody answered>"), std::string::npos);
  EXPECT_NE(text.find("  <error getting backup volume info: nobody answered>\n"),
            std::string::npos);
  const auto json = parse_json(describe_backup_json(without_documents(why), {.details = true}));
  ASSERT_TRUE(json);
  EXPECT_EQ(string_at(*json, "errors.errorGettingErrors"),
            "<error getting errors: nobody answered>");
  EXPECT_EQ(string_at(*json, "status.errorGettingResourceList"),
            "<error getting backup resource list: nobody answered>");
}

TEST(DescribeBackup, ShowsWhatAFailedHookPrinted) {
  DescribedBackup described = fixture_backup("bookstore-hookfail");
  const std::string message =
      " resource: /pods name: /loner message: /Error executing hook error: /command terminated "
      "with exit code 7; it printed: about to fail";
  described.document = [message](DownloadTargetKind kind) -> Result<Bytes> {
    if (kind != DownloadTargetKind::BackupResults) return Error(Code::NotFound, "file not found");
    return "{\"errors\":{\"velero\":[\"" + message + "\"]},\"warnings\":{}}";
  };
  const std::string text = describe_backup(described, {});
  EXPECT_NE(text.find("Errors:\n  Velero:    resource: /pods name: /loner message: /Error "
                      "executing hook error: /command terminated with exit code 7; it printed: "
                      "about to fail\n  Cluster:    <none>\n  Namespaces: <none>\n"),
            std::string::npos)
      << text;
}

TEST(DescribeBackup, GroupsErrorsByNamespace) {
  DescribedBackup described = fixture_backup("bookstore-hookfail");
  described.document = [](DownloadTargetKind kind) -> Result<Bytes> {
    if (kind != DownloadTargetKind::BackupResults) return Error(Code::NotFound, "file not found");
    return R"({"errors":{"namespaces":{"shop":["a is bad","b is bad"],"bar":["c"]}}})";
  };
  EXPECT_NE(describe_backup(described, {})
                .find("  Velero:     <none>\n  Cluster:    <none>\n  Namespaces:\n"
                      "    bar:   c\n    shop:  a is bad\n           b is bad\n"),
            std::string::npos);
}

TEST(DescribeBackup, TellsOfDeletionsThatWereTried) {
  DescribedBackup described = fixture_backup("bookstore-full");
  model::DeleteBackupRequest request;
  request.metadata.creation_timestamp = TimePoint(std::chrono::seconds(1795000000));
  request.status.phase = model::RequestPhase::Processed;
  request.status.errors = {"the bucket is read-only"};
  described.deletions = {request};
  const std::string text = describe_backup(described, {});
  EXPECT_TRUE(
      text.ends_with("HooksFailed:     0\n\nDeletion Attempts (1 failed):\n"
                     "  2026-11-18 11:06:40 +0000 UTC: Processed\n  Errors:\n"
                     "    the bucket is read-only\n"))
      << text;
}

TEST(DescribeBackup, SaysWhyItFailedUnlessItIsVelero) {
  DescribedBackup described = fixture_backup("bookstore-hookfail");
  described.backup.status.failure_reason = "the disk is full";
  EXPECT_NE(describe_backup(described, {.program = "lateen"})
                .find("\n\nFailure reason:  the disk is full\n"),
            std::string::npos);
  EXPECT_EQ(describe_backup(described, {.program = "velero"}).find("Failure reason"),
            std::string::npos);
}

TEST(DescribeBackup, OfOneThatWasNotLookedAtYetHasNoTimes) {
  DescribedBackup described;
  described.backup.metadata.name = "fresh";
  described.backup.metadata.ns = "velero";
  described.document = [](DownloadTargetKind) -> Result<Bytes> {
    return Error(Code::NotFound, "file not found");
  };
  const std::string text = describe_backup(described, {});
  EXPECT_NE(text.find("Labels:       <none>\nAnnotations:  <none>\n\nPhase:  New\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("Started:    <n/a>\nCompleted:  <n/a>\n\nExpiration:  <nil>\n\nBackup "
                      "Volumes:\n"),
            std::string::npos)
      << text;
}

// One PVC by CSI, one by native snapshot, one moved: the words are those of Velero's describer.
constexpr std::string_view kVolumes = R"([
 {"pvcName":"db","pvcNamespace":"shop","pvName":"pv-1","backupMethod":"CSISnapshot",
  "snapshotDataMoved":false,"preserveLocalSnapshot":true,"result":"succeeded",
  "csiSnapshotInfo":{"snapshotHandle":"snap-1","size":1024,"driver":"csi.example","vscName":"vsc-1",
                     "operationID":"shop/op-1"}},
 {"pvcName":"logs","pvcNamespace":"shop","pvName":"pv-2","backupMethod":"CSISnapshot",
  "snapshotDataMoved":true,"preserveLocalSnapshot":false,"result":"failed",
  "snapshotDataMovementInfo":{"dataMover":"","uploaderType":"kopia","operationID":"du-1","size":77,
                              "incrementalSize":5}},
 {"pvcName":"old","pvcNamespace":"shop","pvName":"pv-3","backupMethod":"NativeSnapshot",
  "result":"succeeded",
  "nativeSnapshotInfo":{"snapshotHandle":"ebs-1","volumeType":"gp3","volumeAZ":"eu-1a","iops":"100"}}
])";

DescribedBackup with_volumes() {
  DescribedBackup described;
  described.backup.metadata.name = "volumes";
  described.document = [](DownloadTargetKind kind) -> Result<Bytes> {
    if (kind == DownloadTargetKind::BackupVolumeInfos) return Bytes(kVolumes);
    return Error(Code::NotFound, "file not found");
  };
  return described;
}

TEST(DescribeBackup, ListsSnapshotsShortly) {
  EXPECT_NE(describe_backup(with_volumes(), {})
                .find("Backup Volumes:\n"
                      "  Velero-Native Snapshots:\n"
                      "    pv-3: specify --details for more information\n"
                      "\n"
                      "  CSI Snapshots:\n"
                      "    shop/db:\n"
                      "      Snapshot: included, specify --details for more information\n"
                      "    shop/logs:\n"
                      "      Data Movement: included, specify --details for more information\n"
                      "\n"
                      "  Pod Volume Backups: <none included>\n"),
            std::string::npos);
}

TEST(DescribeBackup, ListsSnapshotsInDetail) {
  const std::string text = describe_backup(with_volumes(), {.details = true});
  EXPECT_NE(text.find("  Velero-Native Snapshots:\n"
                      "    pv-3:\n"
                      "      Snapshot ID:        ebs-1\n"
                      "      Type:               gp3\n"
                      "      Availability Zone:  eu-1a\n"
                      "      IOPS:               100\n"
                      "      Result:             succeeded\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("    shop/db:\n"
                      "      Snapshot:\n"
                      "        Operation ID: shop/op-1\n"
                      "        Snapshot Content Name: vsc-1\n"
                      "        Storage Snapshot ID: snap-1\n"
                      "        Snapshot Size (bytes): 1024\n"
                      "        CSI Driver: csi.example\n"
                      "        Result: succeeded\n"
                      "    shop/logs:\n"
                      "      Data Movement:\n"
                      "        Operation ID: du-1\n"
                      "        Data Mover: velero\n"
                      "        Uploader Type: kopia\n"
                      "        Moved data Size (bytes): 77\n"
                      "        Incremental data Size (bytes): 5\n"
                      "        Result: failed\n"),
            std::string::npos)
      << text;
}

TEST(DescribeBackup, ShowsOperationsInDetail) {
  DescribedBackup described = with_volumes();
  described.backup.status.backup_item_operations_attempted = 1;
  described.document = [](DownloadTargetKind kind) -> Result<Bytes> {
    if (kind == DownloadTargetKind::BackupResourceList) return Bytes("{}");
    if (kind != DownloadTargetKind::BackupItemOperations)
      return Error(Code::NotFound, "file not found");
    return R"([{"spec":{"backupItemAction":"velero.io/csi-volumesnapshot-backupper","operationID":"o",
      "resourceIdentifier":{"Group":"snapshot.storage.k8s.io","Resource":"volumesnapshots",
      "Namespace":"shop","Name":"vs"},
      "postOperationItems":[{"Group":"","Resource":"persistentvolumeclaims","Namespace":"shop",
      "Name":"db"}]},
      "status":{"phase":"Completed","nCompleted":3,"nTotal":4,"operationUnits":"bytes",
      "created":"2026-11-22T10:37:15Z"}}])";
  };
  const std::string text = describe_backup(described, {.details = true});
  EXPECT_NE(text.find("Backup Item Operations:\n"
                      "  Operation for volumesnapshots.snapshot.storage.k8s.io shop/vs:\n"
                      "    Backup Item Action Plugin:  velero.io/csi-volumesnapshot-backupper\n"
                      "    Operation ID:               o\n"
                      "    Items to Update:\n"
                      "               persistentvolumeclaims shop/db\n"
                      "    Phase:     Completed\n"
                      "    Progress:  3 of 4 complete (bytes)\n"
                      "    Created:   2026-11-22 10:37:15 +0000 UTC\n"),
            std::string::npos)
      << text;
  EXPECT_NE(describe_backup(described, {})
                .find("Backup Item Operations:  0 of 1 completed successfully, 0 failed (specify "
                      "--details for more information)\n"),
            std::string::npos);
}

TEST(DescribeBackupJson, TellsOfSnapshotsInDetail) {
  const auto json = parse_json(describe_backup_json(with_volumes(), {.details = true}));
  ASSERT_TRUE(json);
  const Json* volumes = find(*json, "status.backupVolumes");
  ASSERT_NE(volumes, nullptr);
  EXPECT_EQ(string_at(*volumes, "nativeSnapshots.pv-3.snapshotID"), "ebs-1");
  const Json* snapshot = find(find(find(volumes, "csiSnapshots"), JsonKey{"shop/db"}), "snapshot");
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(int_at(*snapshot, "snapshotSize(bytes)"), 1024);
  EXPECT_EQ(string_at(*snapshot, "operationID"), "shop/op-1");
}

TEST(DescribeBackupJson, KeepsABackslashBeforeWhatLooksLikeAnEscape) {
  DescribedBackup described = with_volumes();
  described.backup.metadata.annotations["a"] = R"(\u003c <b> & \)";
  const std::string text = describe_backup_json(described, {});
  EXPECT_NE(text.find(R"("a": "\\u003c <b> & \\")"), std::string::npos) << text;
  EXPECT_TRUE(parse_json(text));
}

TEST(DescribeRestore, IsMarkedWhenItIsBeingDeleted) {
  DescribedRestore described = fixture_restore("copy");
  described.restore.metadata.deletion_timestamp = TimePoint();
  EXPECT_NE(describe_restore(described, {}).find("Completed (Deleting)\n"), std::string::npos);
}

TEST(DescribeRestore, OfAFailedOneAdvisesItsLog) {
  DescribedRestore described = fixture_restore("copy");
  described.restore.status.phase = model::RestorePhase::PartiallyFailed;
  EXPECT_NE(describe_restore(described, {})
                .find("PartiallyFailed (run 'velero restore logs copy' for more information)\n"),
            std::string::npos);
}

TEST(DescribeRestore, WithoutAnyDocumentStillShowsItsSpec) {
  DescribedRestore described = fixture_restore("dr");
  described.document = [](DownloadTargetKind) -> Result<Bytes> {
    return Error(Code::NotFound, "file not found");
  };
  const std::string text = describe_restore(described, {.details = true});
  EXPECT_EQ(text.find("CSI Snapshot Restores"), std::string::npos);
  EXPECT_NE(text.find("<error getting warnings: file not found>"), std::string::npos);
  EXPECT_NE(text.find("Resource List:  <restore resource list not found>\n"), std::string::npos);
}

TEST(DescribeRestore, ListsSnapshotsBeforeMovedData) {
  DescribedRestore described = fixture_restore("dr");
  described.document = [](DownloadTargetKind kind) -> Result<Bytes> {
    if (kind != DownloadTargetKind::RestoreVolumeInfo)
      return Error(Code::NotFound, "file not found");
    return R"([{"pvcName":"logs","pvcNamespace":"shop","restoreMethod":"CSISnapshot",
      "snapshotDataMoved":true,"snapshotDataMovementInfo":{"dataMover":"velero",
      "uploaderType":"kopia","operationID":"dd-1"}},
      {"pvcName":"db","pvcNamespace":"shop","restoreMethod":"CSISnapshot","snapshotDataMoved":false,
      "csiSnapshotInfo":{"snapshotHandle":"snap-1","driver":"csi.example","vscName":"vsc-1"}}])";
  };
  EXPECT_NE(describe_restore(described, {.details = true})
                .find("\nCSI Snapshot Restores:\n"
                      "  shop/db:\n"
                      "    Snapshot:\n"
                      "      Snapshot Content Name: vsc-1\n"
                      "      Storage Snapshot ID: snap-1\n"
                      "      CSI Driver: csi.example\n"
                      "  shop/logs:\n"
                      "    Data Movement:\n"
                      "      Operation ID: dd-1\n"
                      "      Data Mover: velero\n"
                      "      Uploader Type: kopia\n"
                      "\nExisting Resource Policy:"),
            std::string::npos);
}

}  // namespace
}  // namespace lateen::cli
