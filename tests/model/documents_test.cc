#include "model/documents.h"

#include <gtest/gtest.h>

#include "model/fixture.h"

namespace lateen::model {
namespace {

FilePath backup_file(const std::string& name, std::string_view suffix) {
  return velero_bucket() / "bucket/backups" / name / (name + std::string(suffix));
}

FilePath restore_file(const std::string& name, const std::string& file) {
  return velero_bucket() / "bucket/restores" / name / file;
}

TEST(Documents, WriteEveryVeleroBackupJsonByteForByteAsVeleroDid) {
  for (const std::string& name : names_below("backups")) {
    const Bytes text =
        read_fixture(velero_bucket() / "bucket/backups" / name / "velero-backup.json");
    const Result<Backup> backup = read_backup(text);
    ASSERT_TRUE(backup) << backup.error().message();
    EXPECT_EQ(backup->metadata.name, name);
    EXPECT_TRUE(backup->unknown.empty());
    EXPECT_TRUE(backup->spec.unknown.empty());
    EXPECT_TRUE(backup->status.unknown.empty());
    EXPECT_EQ(write_backup(*backup), text);
  }
}

template <typename T>
void expect_same_bytes(const Bytes& text, Result<T> (*read)(BytesView), Bytes (*write)(const T&)) {
  const Result<T> value = read(text);
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(write(*value), text);
}

TEST(Documents, WriteEveryCompanionOfABackupByteForByteAsVeleroDid) {
  for (const std::string& name : names_below("backups")) {
    SCOPED_TRACE(name);
    const auto text = [&](std::string_view suffix) {
      return gunzip_fixture(backup_file(name, suffix));
    };
    expect_same_bytes(text("-results.gz"), read_results, write_results);
    expect_same_bytes(text("-resource-list.json.gz"), read_resource_list, write_resource_list);
    expect_same_bytes(text("-volumeinfo.json.gz"), read_backup_volume_infos,
                      write_backup_volume_infos);
    expect_same_bytes(text("-itemoperations.json.gz"), read_backup_operations,
                      write_backup_operations);
    expect_same_bytes(text("-volumesnapshots.json.gz"), read_native_snapshots,
                      write_native_snapshots);
    expect_same_bytes(text("-podvolumebackups.json.gz"), read_pod_volume_backups,
                      write_pod_volume_backups);
  }
}

TEST(Documents, WriteEveryDocumentOfARestoreByteForByteAsVeleroDid) {
  for (const std::string& name : names_below("restores")) {
    SCOPED_TRACE(name);
    const auto text = [&](const std::string& file) {
      return gunzip_fixture(restore_file(name, file));
    };
    expect_same_bytes(text("restore-" + name + "-results.gz"), read_results, write_results);
    expect_same_bytes(text("restore-" + name + "-resource-list.json.gz"), read_resource_list,
                      write_resource_list);
    expect_same_bytes(text("restore-" + name + "-itemoperations.json.gz"), read_restore_operations,
                      write_restore_operations);
    expect_same_bytes(text(name + "-volumeinfo.json.gz"), read_restore_volume_infos,
                      write_restore_volume_infos);
  }
}

TEST(Documents, TellWhichFieldIsWrong) {
  const Result<std::vector<BackupVolumeInfo>> infos =
      read_backup_volume_infos(R"([{"pvName":"a"},{"pvbInfo":{"size":"big"}}])");
  ASSERT_FALSE(infos);
  EXPECT_EQ(infos.error().message(), "[1].pvbInfo.size: expected a whole number, got a string");
}

// Key names and always-present fields from velero-bucket.md §4.3 and §4.6: Go structs without JSON
// tags.
TEST(Documents, WriteOperationsWithGosCapitalisedKeys) {
  const BackupOperation operation = {
      .spec = {.backup_name = "b",
               .backup_uid = "u",
               .backup_item_action = "velero.io/csi-volumesnapshot-backupper",
               .resource_identifier =
                   {.group = "", .resource = "persistentvolumeclaims", .ns = "ns", .name = "x"},
               .operation_id = "ns/vs/1"},
      .status = {.phase = OperationPhase::New}};
  EXPECT_EQ(
      write_backup_operations({operation}),
      R"([{"spec":{"backupName":"b","backupUID":"u","backupItemAction":"velero.io/csi-volumesnapshot-backupper",)"
      R"("resourceIdentifier":{"Group":"","Resource":"persistentvolumeclaims","Namespace":"ns","Name":"x"},)"
      R"("operationID":"ns/vs/1","postOperationItems":null},"status":{"phase":"New"}}])"
      "\n");
}

TEST(Documents, WriteAnUndecidedReadyToUseAsNull) {
  const BackupVolumeInfo info = {.backup_method = VolumeBackupMethod::CSISnapshot,
                                 .csi_snapshot_info = CsiSnapshotInfo{.driver = "d"}};
  const Json json = parse(write_backup_volume_infos({info}));
  const Json* csi = find(json.get_array().at(0), "csiSnapshotInfo");
  ASSERT_NE(find(csi, "ReadyToUse"), nullptr);
  EXPECT_TRUE(find(csi, "ReadyToUse")->is_null());
}

TEST(Results, FileMessagesWithoutANamespaceUnderTheCluster) {
  ResultList list;
  list.add("", "a");
  list.add("ns", "b");
  list.add("ns", "c");
  list.add_velero("d");
  EXPECT_EQ(list.count(), 4U);
  EXPECT_EQ(list.cluster, StringList{"a"});
  EXPECT_EQ(list.namespaces["ns"], (StringList{"b", "c"}));
}

TEST(ResourceList, NamesItemsAsVeleroDoes) {
  ResourceList list;
  add_to_resource_list(list, "v1", "Pod", "ns", "b", "created");
  add_to_resource_list(list, "v1", "Pod", "ns", "a", "failed");
  add_to_resource_list(list, "rbac.authorization.k8s.io/v1", "ClusterRole", "", "r");
  sort_resource_list(list);
  EXPECT_EQ(
      write_resource_list(list),
      R"x({"rbac.authorization.k8s.io/v1/ClusterRole":["r"],"v1/Pod":["ns/a(failed)","ns/b(created)"]})x"
      "\n");
}

}  // namespace
}  // namespace lateen::model
