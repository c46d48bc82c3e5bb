#include "model/crds.h"

#include <span>
#include <string>

#include "base/text.h"
#include "model/backup.h"
#include "model/backup_repository.h"
#include "model/crd_schema.h"
#include "model/data_movement.h"
#include "model/locations.h"
#include "model/pod_volumes.h"
#include "model/requests.h"
#include "model/restore.h"
#include "model/restore_drill.h"
#include "model/schedule.h"

namespace lateen::model {
namespace {

// The generator whose output Velero 1.18 ships; tools compare this annotation.
constexpr std::string_view kGeneratorVersion = "v0.16.5";

struct Column {
  std::string_view name;
  std::string_view path;
  std::string_view type = "string";
  std::string_view format = {};
  int priority = 0;
};

constexpr Column kAge = {.name = "Age", .path = ".metadata.creationTimestamp", .type = "date"};
constexpr Column kStatus = {.name = "Status", .path = ".status.phase"};
constexpr Column kStarted = {.name = "Started", .path = ".status.startTimestamp", .type = "date"};
constexpr Column kBytesDone = {.name = "Bytes Done",
                               .path = ".status.progress.bytesDone",
                               .type = "integer",
                               .format = "int64"};
constexpr Column kTotalBytes = {.name = "Total Bytes",
                                .path = ".status.progress.totalBytes",
                                .type = "integer",
                                .format = "int64"};
constexpr Column kIncrementalBytes = {.name = "Incremental Bytes",
                                      .path = ".status.incrementalBytes",
                                      .type = "integer",
                                      .format = "int64",
                                      .priority = 10};
constexpr Column kStorageLocation = {.name = "Storage Location",
                                     .path = ".spec.backupStorageLocation"};
constexpr Column kNode = {.name = "Node", .path = ".status.node"};

constexpr Column kScheduleColumns[] = {
    kStatus,
    {.name = "Schedule", .path = ".spec.schedule"},
    {.name = "LastBackup", .path = ".status.lastBackup", .type = "date"},
    kAge,
    {.name = "Paused", .path = ".spec.paused", .type = "boolean"}};
constexpr Column kDeleteBackupRequestColumns[] = {
    {.name = "BackupName", .path = ".spec.backupName"}, kStatus};
constexpr Column kPodVolumeBackupColumns[] = {kStatus,
                                              kStarted,
                                              kBytesDone,
                                              kTotalBytes,
                                              kIncrementalBytes,
                                              kStorageLocation,
                                              kAge,
                                              kNode,
                                              {.name = "Uploader", .path = ".spec.uploaderType"}};
constexpr Column kPodVolumeRestoreColumns[] = {
    kStatus,
    kStarted,
    kBytesDone,
    kTotalBytes,
    kStorageLocation,
    kAge,
    kNode,
    {.name = "Uploader Type", .path = ".spec.uploaderType"}};
constexpr Column kBackupRepositoryColumns[] = {
    kAge, {.name = "Repository Type", .path = ".spec.repositoryType"}};
constexpr Column kBackupStorageLocationColumns[] = {
    {.name = "Phase", .path = ".status.phase"},
    {.name = "Last Validated", .path = ".status.lastValidationTime", .type = "date"},
    kAge,
    {.name = "Default", .path = ".spec.default", .type = "boolean"}};
constexpr Column kDataUploadColumns[] = {
    kStatus, kStarted, kBytesDone, kTotalBytes, kIncrementalBytes, kStorageLocation, kAge, kNode};
constexpr Column kDataDownloadColumns[] = {kStatus,          kStarted, kBytesDone, kTotalBytes,
                                           kStorageLocation, kAge,     kNode};

constexpr Column kRestoreDrillColumns[] = {
    kStatus,
    {.name = "Schedule", .path = ".spec.schedule"},
    {.name = "Last Run", .path = ".status.lastRun", .type = "date"},
    {.name = "Last Passed", .path = ".status.lastPassed", .type = "date"},
    kAge,
    {.name = "Paused", .path = ".spec.paused", .type = "boolean"}};

struct Definition {
  KindInfo kind;
  std::string_view description;
  schema::KindSchema (*schema)();
  std::span<const Column> columns = {};
  std::string_view short_name = {};
  bool empty_subresources =
      false;  // Velero's manifests say `subresources: {}` for these, which enables none
};

// Alphabetically.
const Definition kDefinitions[] = {
    {.kind = BackupRepository::kKind,
     .description = "BackupRepository is the deduplicating repository of one volume namespace in "
                    "one location.",
     .schema = schema::backup_repository,
     .columns = kBackupRepositoryColumns,
     .empty_subresources = true},
    {.kind = Backup::kKind,
     .description = "Backup is a request to save a part of the cluster, and what became of it.",
     .schema = schema::backup},
    {.kind = BackupStorageLocation::kKind,
     .description = "BackupStorageLocation is a bucket in which backups are kept.",
     .schema = schema::backup_storage_location,
     .columns = kBackupStorageLocationColumns,
     .short_name = "bsl",
     .empty_subresources = true},
    {.kind = DataDownload::kKind,
     .description = "DataDownload fills a volume from a repository.",
     .schema = schema::data_download,
     .columns = kDataDownloadColumns,
     .empty_subresources = true},
    {.kind = DataUpload::kKind,
     .description = "DataUpload copies a volume snapshot into a repository.",
     .schema = schema::data_upload,
     .columns = kDataUploadColumns,
     .empty_subresources = true},
    {.kind = DeleteBackupRequest::kKind,
     .description = "DeleteBackupRequest is a request to delete a backup with all its data.",
     .schema = schema::delete_backup_request,
     .columns = kDeleteBackupRequestColumns,
     .empty_subresources = true},
    {.kind = DownloadRequest::kKind,
     .description = "DownloadRequest is a request for a URL of a backup's or restore's document.",
     .schema = schema::download_request},
    {.kind = PodVolumeBackup::kKind,
     .description = "PodVolumeBackup copies one volume of one pod into a repository.",
     .schema = schema::pod_volume_backup,
     .columns = kPodVolumeBackupColumns,
     .empty_subresources = true},
    {.kind = PodVolumeRestore::kKind,
     .description = "PodVolumeRestore fills one volume of one pod from a repository.",
     .schema = schema::pod_volume_restore,
     .columns = kPodVolumeRestoreColumns,
     .empty_subresources = true},
    {.kind = Restore::kKind,
     .description =
         "Restore is a request to bring back what a backup holds, and what became of it.",
     .schema = schema::restore},
    {.kind = Schedule::kKind,
     .description = "Schedule makes backups at the times of a cron expression.",
     .schema = schema::schedule,
     .columns = kScheduleColumns,
     .empty_subresources = true},
    {.kind = ServerStatusRequest::kKind,
     .description = "ServerStatusRequest is a request for the server's version and plugins.",
     .schema = schema::server_status_request,
     .short_name = "ssr"},
    {.kind = VolumeSnapshotLocation::kKind,
     .description = "VolumeSnapshotLocation is where a native snapshotter keeps its snapshots.",
     .schema = schema::volume_snapshot_location,
     .short_name = "vsl"},
};

// Lateen's own.
const Definition kOwnDefinitions[] = {
    {.kind = RestoreDrill::kKind,
     .description = "RestoreDrill is a restore that is only tried: in namespaces of its own, "
                    "checked, measured and removed again.",
     .schema = schema::restore_drill,
     .columns = kRestoreDrillColumns,
     .empty_subresources = true},
};

Json printer_columns(std::span<const Column> columns) {
  JsonArray list;
  for (const Column& column : columns) {
    JsonObject json{{"jsonPath", column.path}, {"name", column.name}, {"type", column.type}};
    if (!column.format.empty()) json.emplace("format", column.format);
    if (column.priority != 0) json.emplace("priority", column.priority);
    list.push_back(std::move(json));
  }
  return list;
}

Json root_schema(const Definition& definition) {
  schema::KindSchema parts = definition.schema();
  Json root = schema::object({{"apiVersion", schema::text()},
                              {"kind", schema::text()},
                              {"metadata", schema::object({})},
                              {"spec", std::move(parts.spec)},
                              {"status", std::move(parts.status)}});
  root.get_object().emplace("description", definition.description);
  return root;
}

Json version(const Definition& definition) {
  JsonObject json{{"name", definition.kind.version},
                  {"schema", JsonObject{{"openAPIV3Schema", root_schema(definition)}}},
                  {"served", true},
                  {"storage", true}};
  if (!definition.columns.empty())
    json.emplace("additionalPrinterColumns", printer_columns(definition.columns));
  if (definition.empty_subresources) json.emplace("subresources", JsonObject());
  return json;
}

Json manifest(const Definition& definition) {
  const KindInfo& kind = definition.kind;
  JsonObject names{{"kind", kind.kind},
                   {"listKind", std::string(kind.kind) + "List"},
                   {"plural", kind.plural},
                   {"singular", to_lower(kind.kind)}};
  if (!definition.short_name.empty()) names.emplace("shortNames", JsonArray{definition.short_name});
  return JsonObject{
      {"apiVersion", "apiextensions.k8s.io/v1"},
      {"kind", "CustomResourceDefinition"},
      {"metadata", JsonObject{{"annotations", JsonObject{{"controller-gen.kubebuilder.io/version",
                                                          kGeneratorVersion}}},
                              {"name", fmt::format("{}.{}", kind.plural, kind.group)}}},
      {"spec", JsonObject{{"group", kind.group},
                          {"names", std::move(names)},
                          {"scope", "Namespaced"},
                          {"versions", JsonArray{version(definition)}}}},
  };
}

}  // namespace

std::vector<Json> crd_manifests() {
  std::vector<Json> manifests;
  for (const Definition& definition : kDefinitions)
    manifests.push_back(manifest(definition));
  return manifests;
}

std::vector<Json> own_crd_manifests() {
  std::vector<Json> manifests;
  for (const Definition& definition : kOwnDefinitions)
    manifests.push_back(manifest(definition));
  return manifests;
}

Json crd_manifest(std::string_view plural) {
  for (const Definition& definition : kDefinitions) {
    if (definition.kind.plural == plural) return manifest(definition);
  }
  return {};
}

}  // namespace lateen::model
