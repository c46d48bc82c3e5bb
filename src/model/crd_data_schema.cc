// The kinds that carry volume data: PodVolumeBackup, PodVolumeRestore, DataUpload, DataDownload,
// BackupRepository.
#include "model/crd_schema.h"
#include "model/phases.h"

namespace lateen::model::schema {
namespace {

// The empty word is in the enum on purpose: Velero writes it.
Json repository_type() {
  return one_of({"kopia", "restic", ""});
}

Json node_os() {
  return one_of({"auto", "linux", "windows"});
}

}  // namespace

KindSchema pod_volume_backup() {
  return {.spec = object({{"backupStorageLocation", text()},
                          {"cancel", boolean()},
                          {"node", text()},
                          {"pod", object_reference()},
                          {"repoIdentifier", text()},
                          {"tags", text_map()},
                          {"uploaderSettings", nullable(text_map())},
                          {"uploaderType", repository_type()},
                          {"volume", text()}},
                         {"backupStorageLocation", "node", "pod", "repoIdentifier", "volume"}),
          .status = object({{"acceptedTimestamp", time()},
                            {"completionTimestamp", time()},
                            {"incrementalBytes", int64()},
                            {"message", text()},
                            {"path", text()},
                            {"phase", one_of<DataPhase>()},
                            {"progress", data_progress()},
                            {"snapshotID", text()},
                            {"startTimestamp", time()}})};
}

KindSchema pod_volume_restore() {
  return {.spec = object({{"backupStorageLocation", text()},
                          {"cancel", boolean()},
                          {"pod", object_reference()},
                          {"repoIdentifier", text()},
                          {"snapshotID", text()},
                          {"snapshotSize", int64()},
                          {"sourceNamespace", text()},
                          {"uploaderSettings", nullable(text_map())},
                          {"uploaderType", repository_type()},
                          {"volume", text()}},
                         {"backupStorageLocation", "pod", "repoIdentifier", "snapshotID",
                          "sourceNamespace", "volume"}),
          .status = object({{"acceptedTimestamp", time()},
                            {"completionTimestamp", time()},
                            {"message", text()},
                            {"node", text()},
                            {"phase", one_of<DataPhase>()},
                            {"progress", data_progress()},
                            {"startTimestamp", time()}})};
}

KindSchema data_upload() {
  const Json csi = object({{"driver", text()},
                           {"snapshotClass", text()},
                           {"storageClass", text()},
                           {"volumeSnapshot", text()}},
                          {"storageClass", "volumeSnapshot"});
  return {.spec = object({{"backupStorageLocation", text()},
                          {"cancel", boolean()},
                          {"csiSnapshot", nullable(csi)},
                          {"dataMoverConfig", nullable(text_map())},
                          {"datamover", text()},
                          {"operationTimeout", duration()},
                          {"snapshotType", text()},
                          {"sourceNamespace", text()},
                          {"sourcePVC", text()}},
                         {"backupStorageLocation", "operationTimeout", "snapshotType",
                          "sourceNamespace", "sourcePVC"}),
          .status = object({{"acceptedByNode", text()},
                            {"acceptedTimestamp", time()},
                            {"completionTimestamp", time()},
                            {"dataMoverResult", nullable(text_map())},
                            {"incrementalBytes", int64()},
                            {"message", text()},
                            {"node", text()},
                            {"nodeOS", node_os()},
                            {"path", text()},
                            {"phase", one_of<DataPhase>()},
                            {"progress", data_progress()},
                            {"snapshotID", text()},
                            {"startTimestamp", time()}})};
}

KindSchema data_download() {
  const Json target =
      object({{"namespace", text()}, {"pv", text()}, {"pvc", text()}}, {"namespace", "pv", "pvc"});
  return {.spec = object({{"backupStorageLocation", text()},
                          {"cancel", boolean()},
                          {"dataMoverConfig", text_map()},
                          {"datamover", text()},
                          {"nodeOS", node_os()},
                          {"operationTimeout", duration()},
                          {"snapshotID", text()},
                          {"snapshotSize", int64()},
                          {"sourceNamespace", text()},
                          {"targetVolume", target}},
                         {"backupStorageLocation", "operationTimeout", "snapshotID",
                          "sourceNamespace", "targetVolume"}),
          .status = object({{"acceptedByNode", text()},
                            {"acceptedTimestamp", time()},
                            {"completionTimestamp", time()},
                            {"message", text()},
                            {"node", text()},
                            {"phase", one_of<DataPhase>()},
                            {"progress", data_progress()},
                            {"startTimestamp", time()}})};
}

KindSchema backup_repository() {
  const Json run = object({{"completeTimestamp", time()},
                           {"message", text()},
                           {"result", one_of({"Succeeded", "Failed"})},
                           {"startTimestamp", time()}});
  return {.spec = object({{"backupStorageLocation", text()},
                          {"maintenanceFrequency", duration()},
                          {"repositoryConfig", nullable(text_map())},
                          {"repositoryType", repository_type()},
                          {"resticIdentifier", text()},
                          {"volumeNamespace", text()}},
                         {"backupStorageLocation", "maintenanceFrequency", "volumeNamespace"}),
          .status = object({{"lastMaintenanceTime", time()},
                            {"message", text()},
                            {"phase", one_of<RepositoryPhase>()},
                            {"recentMaintenance", list_of(run)}})};
}

}  // namespace lateen::model::schema
