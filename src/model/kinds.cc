// The readers and writers of the kinds of velero.io.
#include "base/text.h"
#include "base/time.h"
#include "model/backup.h"
#include "model/backup_repository.h"
#include "model/codec.h"
#include "model/data_movement.h"
#include "model/locations.h"
#include "model/names.h"
#include "model/pod_volumes.h"
#include "model/requests.h"
#include "model/restore.h"
#include "model/schedule.h"

namespace lateen::model {

bool is_of_restore(DownloadTargetKind kind) {
  return to_string(kind).starts_with("Restore");
}

StringList included_objects_of(const StringMap& all) {
  const auto at = all.find(annotations::kIncludeObjects);
  if (at == all.end()) return {};
  StringList objects = split_trimmed(at->second, ',');
  std::erase(objects, std::string());
  return objects;
}

std::string scheduled_backup_name(std::string_view schedule, TimePoint now) {
  return fmt::format("{}-{}", schedule, format_timestamp_suffix(now));
}

template Result<Backup> from_json(const Json&);
template Json to_json(const Backup&);
template Json to_json_untyped(const Backup&);
template Result<BackupSpec> from_json(const Json&);
template Json to_json(const BackupSpec&);
template Result<BackupStatus> from_json(const Json&);
template Json to_json(const BackupStatus&);
template Result<Restore> from_json(const Json&);
template Json to_json(const Restore&);
template Json to_json_untyped(const Restore&);
template Result<RestoreSpec> from_json(const Json&);
template Json to_json(const RestoreSpec&);
template Result<RestoreStatus> from_json(const Json&);
template Json to_json(const RestoreStatus&);
template Result<Schedule> from_json(const Json&);
template Json to_json(const Schedule&);
template Json to_json_untyped(const Schedule&);
template Result<BackupStorageLocation> from_json(const Json&);
template Json to_json(const BackupStorageLocation&);
template Json to_json_untyped(const BackupStorageLocation&);
template Result<VolumeSnapshotLocation> from_json(const Json&);
template Json to_json(const VolumeSnapshotLocation&);
template Json to_json_untyped(const VolumeSnapshotLocation&);
template Result<DeleteBackupRequest> from_json(const Json&);
template Json to_json(const DeleteBackupRequest&);
template Json to_json_untyped(const DeleteBackupRequest&);
template Result<DownloadRequest> from_json(const Json&);
template Json to_json(const DownloadRequest&);
template Json to_json_untyped(const DownloadRequest&);
template Result<ServerStatusRequest> from_json(const Json&);
template Json to_json(const ServerStatusRequest&);
template Json to_json_untyped(const ServerStatusRequest&);
template Result<PodVolumeBackup> from_json(const Json&);
template Json to_json(const PodVolumeBackup&);
template Json to_json_untyped(const PodVolumeBackup&);
template Result<PodVolumeRestore> from_json(const Json&);
template Json to_json(const PodVolumeRestore&);
template Json to_json_untyped(const PodVolumeRestore&);
template Result<BackupRepository> from_json(const Json&);
template Json to_json(const BackupRepository&);
template Json to_json_untyped(const BackupRepository&);
template Result<DataUpload> from_json(const Json&);
template Json to_json(const DataUpload&);
template Json to_json_untyped(const DataUpload&);
template Result<DataDownload> from_json(const Json&);
template Json to_json(const DataDownload&);
template Json to_json_untyped(const DataDownload&);
template Result<DataUploadResult> from_json(const Json&);
template Json to_json(const DataUploadResult&);

}  // namespace lateen::model
