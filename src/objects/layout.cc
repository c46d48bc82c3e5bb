#include "objects/layout.h"

#include <fmt/format.h>

namespace lateen::objects {

Layout::Layout(std::string_view prefix) {
  while (prefix.starts_with('/'))
    prefix.remove_prefix(1);
  while (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  if (!prefix.empty()) root_ = std::string(prefix) + '/';
}

std::string Layout::backups_dir() const {
  return root_ + "backups/";
}

std::string Layout::restores_dir() const {
  return root_ + "restores/";
}

std::string Layout::backup_dir(std::string_view backup) const {
  return fmt::format("{}backups/{}/", root_, backup);
}

std::string Layout::restore_dir(std::string_view restore) const {
  return fmt::format("{}restores/{}/", root_, restore);
}

std::string Layout::kopia_dir(std::string_view volume_ns) const {
  return fmt::format("{}kopia/{}/", root_, volume_ns);
}

std::string Layout::restic_dir(std::string_view volume_ns) const {
  return fmt::format("{}restic/{}/", root_, volume_ns);
}

std::string Layout::in_backup(std::string_view backup, std::string_view suffix) const {
  return fmt::format("{}backups/{}/{}{}", root_, backup, backup, suffix);
}

std::string Layout::in_restore(std::string_view restore, std::string_view suffix) const {
  return fmt::format("{}restores/{}/restore-{}{}", root_, restore, restore, suffix);
}

std::string Layout::backup_metadata(std::string_view backup) const {
  return backup_dir(backup) + "velero-backup.json";
}

std::string Layout::backup_contents(std::string_view backup) const {
  return in_backup(backup, ".tar.gz");
}

std::string Layout::backup_log(std::string_view backup) const {
  return in_backup(backup, "-logs.gz");
}

std::string Layout::backup_results(std::string_view backup) const {
  return in_backup(backup, "-results.gz");
}

std::string Layout::backup_resource_list(std::string_view backup) const {
  return in_backup(backup, "-resource-list.json.gz");
}

std::string Layout::backup_volume_snapshots(std::string_view backup) const {
  return in_backup(backup, "-volumesnapshots.json.gz");
}

std::string Layout::backup_pod_volume_backups(std::string_view backup) const {
  return in_backup(backup, "-podvolumebackups.json.gz");
}

std::string Layout::backup_item_operations(std::string_view backup) const {
  return in_backup(backup, "-itemoperations.json.gz");
}

std::string Layout::backup_volume_info(std::string_view backup) const {
  return in_backup(backup, "-volumeinfo.json.gz");
}

std::string Layout::backup_csi_volume_snapshots(std::string_view backup) const {
  return in_backup(backup, "-csi-volumesnapshots.json.gz");
}

std::string Layout::backup_csi_volume_snapshot_contents(std::string_view backup) const {
  return in_backup(backup, "-csi-volumesnapshotcontents.json.gz");
}

std::string Layout::backup_csi_volume_snapshot_classes(std::string_view backup) const {
  return in_backup(backup, "-csi-volumesnapshotclasses.json.gz");
}

std::string Layout::backup_coverage(std::string_view backup) const {
  return in_backup(backup, "-coverage.json.gz");
}

std::string Layout::backup_archive_index(std::string_view backup) const {
  return in_backup(backup, "-index.json.gz");
}

std::string Layout::backup_manifest(std::string_view backup) const {
  return in_backup(backup, "-manifest.jsonl");
}

std::string Layout::drill_evidence(std::string_view drill,
                                   std::string_view run,
                                   std::string_view ending) const {
  return fmt::format("{}metadata/drills/{}/{}.{}", root_, drill, run, ending);
}

std::string Layout::backup_browse_file(std::string_view backup, std::string_view name) const {
  return backup_dir(backup) + std::string(name);
}

std::string Layout::restore_log(std::string_view restore) const {
  return in_restore(restore, "-logs.gz");
}

std::string Layout::restore_results(std::string_view restore) const {
  return in_restore(restore, "-results.gz");
}

std::string Layout::restore_resource_list(std::string_view restore) const {
  return in_restore(restore, "-resource-list.json.gz");
}

std::string Layout::restore_item_operations(std::string_view restore) const {
  return in_restore(restore, "-itemoperations.json.gz");
}

std::string Layout::restore_pending(std::string_view restore) const {
  return in_restore(restore, "-lateen-pending.json.gz");
}

// Velero's one restore document without the "restore-" in its name.
std::string Layout::restore_volume_info(std::string_view restore) const {
  return fmt::format("{}{}-volumeinfo.json.gz", restore_dir(restore), restore);
}

Result<std::string> Layout::download_target(model::DownloadTargetKind kind,
                                            std::string_view name) const {
  using enum model::DownloadTargetKind;
  switch (kind) {
    case BackupLog:
      return backup_log(name);
    case BackupContents:
      return backup_contents(name);
    case BackupVolumeSnapshots:
      return backup_volume_snapshots(name);
    case BackupItemOperations:
      return backup_item_operations(name);
    case BackupResourceList:
      return backup_resource_list(name);
    case BackupResults:
      return backup_results(name);
    case RestoreLog:
      return restore_log(name);
    case RestoreResults:
      return restore_results(name);
    case RestoreResourceList:
      return restore_resource_list(name);
    case RestoreItemOperations:
      return restore_item_operations(name);
    case CSIBackupVolumeSnapshots:
      return backup_csi_volume_snapshots(name);
    case CSIBackupVolumeSnapshotContents:
      return backup_csi_volume_snapshot_contents(name);
    case BackupVolumeInfos:
      return backup_volume_info(name);
    case RestoreVolumeInfo:
      return restore_volume_info(name);
    case BackupArchiveIndex:
      return backup_archive_index(name);
    case BackupCoverage:
      return backup_coverage(name);
    case Unset:
    case Unknown:
      break;
  }
  return Error(Code::InvalidArgument, "unsupported download target kind of {}", name);
}

}  // namespace lateen::objects
