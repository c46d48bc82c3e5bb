// What the real Velero 1.18.1 wrote and printed: tests/testdata/velero-bucket.
#pragma once

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/json.h"
#include "cli/describe.h"
#include "model/object_meta.h"

namespace lateen::cli {

inline FilePath velero_bucket() {
  return FilePath(LATEEN_TESTDATA) / "velero-bucket";
}

inline Bytes read_fixture(const std::string& name) {
  auto bytes = read_file(velero_bucket() / name, 64_MiB);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *bytes : Bytes();
}

// All velero.io objects of a kind, in the API's order.
template <typename T>
std::vector<T> fixture_objects() {
  std::vector<T> objects;
  const auto list = parse_json(read_fixture("velero-crs.json"));
  EXPECT_TRUE(list);
  if (!list) return objects;
  for (const Json& item : *array_at(*list, "items")) {
    if (string_at(item, "kind") != T::kKind.kind) continue;
    auto object = model::from_json<T>(item);
    EXPECT_TRUE(object) << object.error().message();
    if (object) objects.push_back(*object);
  }
  return objects;
}

template <typename T>
T fixture_object(std::string_view name) {
  for (const T& object : fixture_objects<T>()) {
    if (object.metadata.name == name) return object;
  }
  ADD_FAILURE() << "there is no " << T::kKind.kind << " " << name;
  return {};
}

// Those whose label names the backup or restore.
template <typename T>
std::vector<T> fixture_objects_labelled(std::string_view key, std::string_view value) {
  std::vector<T> objects = fixture_objects<T>();
  std::erase_if(objects, [&](const T& object) { return object.metadata.label(key) != value; });
  return objects;
}

inline std::string document_name(model::DownloadTargetKind kind, const std::string& name) {
  using enum model::DownloadTargetKind;
  switch (kind) {
    case BackupResults:
      return name + "-results.gz";
    case BackupResourceList:
      return name + "-resource-list.json.gz";
    case BackupItemOperations:
      return name + "-itemoperations.json.gz";
    case BackupVolumeSnapshots:
      return name + "-volumesnapshots.json.gz";
    case BackupVolumeInfos:
    case RestoreVolumeInfo:
      return name + "-volumeinfo.json.gz";
    case RestoreResults:
      return "restore-" + name + "-results.gz";
    case RestoreResourceList:
      return "restore-" + name + "-resource-list.json.gz";
    case RestoreItemOperations:
      return "restore-" + name + "-itemoperations.json.gz";
    case BackupLog:
    case BackupContents:
    case RestoreLog:
    case CSIBackupVolumeSnapshots:
    case CSIBackupVolumeSnapshotContents:
    case BackupArchiveIndex:
    case BackupCoverage:
    case Unset:
    case Unknown:
      break;
  }
  return "";
}

// The documents as they lie in the bucket, below "backups" or "restores".
inline DocumentSource fixture_documents(const std::string& below, const std::string& name) {
  return [below, name](model::DownloadTargetKind kind) -> Result<Bytes> {
    const FilePath path = velero_bucket() / "bucket" / below / name / document_name(kind, name);
    const Bytes packed = TRY(read_file(path, 64_MiB));
    return gunzip(packed, 64_MiB);
  };
}

inline DescribedBackup fixture_backup(const std::string& name) {
  return {.backup = fixture_object<model::Backup>(name),
          .pod_volumes =
              fixture_objects_labelled<model::PodVolumeBackup>(model::labels::kBackupName, name),
          .document = fixture_documents("backups", name)};
}

inline DescribedRestore fixture_restore(const std::string& name) {
  return {.restore = fixture_object<model::Restore>(name),
          .pod_volumes =
              fixture_objects_labelled<model::PodVolumeRestore>(model::labels::kRestoreName, name),
          .document = fixture_documents("restores", name)};
}

}  // namespace lateen::cli
