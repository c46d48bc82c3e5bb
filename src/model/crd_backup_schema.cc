// Backup, Restore and Schedule.
#include "model/crd_schema.h"
#include "model/hooks.h"
#include "model/phases.h"

namespace lateen::model::schema {
namespace {

Json at_least_one(Json list) {
  list.get_object().emplace("minItems", 1);
  return list;
}

Json backup_hooks() {
  const Json exec = object({{"command", at_least_one(texts())},
                            {"container", text()},
                            {"onError", one_of<HookErrorMode>()},
                            {"timeout", duration()}},
                           {"command"});
  const Json hook = object({{"exec", exec}}, {"exec"});
  const Json resource = object({{"excludedNamespaces", nullable_texts()},
                                {"excludedResources", nullable_texts()},
                                {"includedNamespaces", nullable_texts()},
                                {"includedResources", nullable_texts()},
                                {"labelSelector", nullable(label_selector())},
                                {"name", text()},
                                {"post", list_of(hook)},
                                {"pre", list_of(hook)}},
                               {"name"});
  return object({{"resources", nullable(list_of(resource))}});
}

Json restore_hooks() {
  const Json exec = object({{"command", at_least_one(texts())},
                            {"container", text()},
                            {"execTimeout", duration()},
                            {"onError", one_of<HookErrorMode>()},
                            {"waitForReady", nullable(boolean())},
                            {"waitTimeout", duration()}},
                           {"command"});
  Json containers = list_of(anything());
  containers.get_object().emplace("x-kubernetes-preserve-unknown-fields", true);
  const Json init = object({{"initContainers", containers}, {"timeout", duration()}});
  const Json resource = object({{"excludedNamespaces", nullable_texts()},
                                {"excludedResources", nullable_texts()},
                                {"includedNamespaces", nullable_texts()},
                                {"includedResources", nullable_texts()},
                                {"labelSelector", nullable(label_selector())},
                                {"name", text()},
                                {"postHooks", list_of(object({{"exec", exec}, {"init", init}}))}},
                               {"name"});
  return object({{"resources", list_of(resource)}});
}

}  // namespace

Json backup_spec() {
  return object({
      {"csiSnapshotTimeout", duration()},
      {"datamover", text()},
      {"defaultVolumesToFsBackup", nullable(boolean())},
      {"defaultVolumesToRestic", nullable(boolean())},
      {"excludedClusterScopedResources", nullable_texts()},
      {"excludedNamespaceScopedResources", nullable_texts()},
      {"excludedNamespaces", nullable_texts()},
      {"excludedResources", nullable_texts()},
      {"hooks", backup_hooks()},
      {"includeClusterResources", nullable(boolean())},
      {"includedClusterScopedResources", nullable_texts()},
      {"includedNamespaceScopedResources", nullable_texts()},
      {"includedNamespaces", nullable_texts()},
      {"includedResources", nullable_texts()},
      {"itemOperationTimeout", duration()},
      {"labelSelector", nullable(label_selector())},
      {"metadata", object({{"labels", text_map()}})},
      {"orLabelSelectors", nullable(list_of(label_selector()))},
      {"orderedResources", nullable(text_map())},
      {"resourcePolicy", typed_local_object_reference()},
      {"snapshotMoveData", nullable(boolean())},
      {"snapshotVolumes", nullable(boolean())},
      {"storageLocation", text()},
      {"ttl", duration()},
      {"uploaderConfig", nullable(object({{"parallelFilesUpload", integer()}}))},
      {"volumeGroupSnapshotLabelKey", text()},
      {"volumeSnapshotLocations", texts()},
  });
}

KindSchema backup() {
  return {
      .spec = backup_spec(),
      .status = object({
          {"backupItemOperationsAttempted", integer()},
          {"backupItemOperationsCompleted", integer()},
          {"backupItemOperationsFailed", integer()},
          {"completionTimestamp", time()},
          {"csiVolumeSnapshotsAttempted", integer()},
          {"csiVolumeSnapshotsCompleted", integer()},
          {"errors", integer()},
          {"expiration", time()},
          {"failureReason", text()},
          {"formatVersion", text()},
          {"hookStatus", hook_status()},
          {"phase", one_of<BackupPhase>()},
          {"progress", nullable(object({{"itemsBackedUp", integer()}, {"totalItems", integer()}}))},
          {"queuePosition", integer()},
          {"startTimestamp", time()},
          {"validationErrors", nullable_texts()},
          {"version", integer()},
          {"volumeSnapshotsAttempted", integer()},
          {"volumeSnapshotsCompleted", integer()},
          {"warnings", integer()},
      })};
}

KindSchema restore() {
  const Json uploader =
      object({{"parallelFilesDownload", integer()}, {"writeSparseFiles", nullable(boolean())}});
  return {
      .spec = object({
          {"backupName", text()},
          {"excludedNamespaces", nullable_texts()},
          {"excludedResources", nullable_texts()},
          {"existingResourcePolicy", nullable(text())},
          {"hooks", restore_hooks()},
          {"includeClusterResources", nullable(boolean())},
          {"includedNamespaces", nullable_texts()},
          {"includedResources", nullable_texts()},
          {"itemOperationTimeout", duration()},
          {"labelSelector", nullable(label_selector())},
          {"namespaceMapping", text_map()},
          {"orLabelSelectors", nullable(list_of(label_selector()))},
          {"preserveNodePorts", nullable(boolean())},
          {"resourceModifier", nullable(typed_local_object_reference())},
          {"restorePVs", nullable(boolean())},
          {"restoreStatus", nullable(object({{"excludedResources", nullable_texts()},
                                             {"includedResources", nullable_texts()}}))},
          {"scheduleName", text()},
          {"uploaderConfig", nullable(uploader)},
      }),
      .status = object({
          {"completionTimestamp", time()},
          {"errors", integer()},
          {"failureReason", text()},
          {"hookStatus", hook_status()},
          {"phase", one_of<RestorePhase>()},
          {"progress", nullable(object({{"itemsRestored", integer()}, {"totalItems", integer()}}))},
          {"restoreItemOperationsAttempted", integer()},
          {"restoreItemOperationsCompleted", integer()},
          {"restoreItemOperationsFailed", integer()},
          {"startTimestamp", time()},
          {"validationErrors", nullable_texts()},
          {"warnings", integer()},
      })};
}

KindSchema schedule() {
  return {.spec = object({{"paused", boolean()},
                          {"schedule", text()},
                          {"skipImmediately", boolean()},
                          {"template", backup_spec()},
                          {"useOwnerReferencesInBackup", nullable(boolean())}},
                         {"schedule", "template"}),
          .status = object({{"lastBackup", time()},
                            {"lastSkipped", time()},
                            {"missedRuns", integer()},
                            {"nextRun", time()},
                            {"phase", one_of<SchedulePhase>()},
                            {"validationErrors", texts()}})};
}

}  // namespace lateen::model::schema
