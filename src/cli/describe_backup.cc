#include <algorithm>

#include "base/text.h"
#include "cli/describe.h"
#include "cli/describe_coverage.h"
#include "cli/describe_parts.h"
#include "cli/describe_spec.h"
#include "cli/describe_volumes.h"
#include "model/documents.h"

namespace lateen::cli {
namespace {

using model::BackupPhase;
using model::DownloadTargetKind;

std::string phase_text(const DescriptionText& out, const model::Backup& backup) {
  const std::string phase(backup.status.phase.empty() ? "New" : backup.status.phase.text());
  const std::string note = fmt::format(" (run `{} backup logs {}` for more information)",
                                       out.style().program, backup.metadata.name);
  switch (backup.status.phase.value()) {
    case BackupPhase::Completed:
      return out.green(phase);
    case BackupPhase::FailedValidation:
      return out.red(phase);
    case BackupPhase::PartiallyFailed:
    case BackupPhase::Failed:
      return out.red(phase) + note;
    case BackupPhase::Unset:
    case BackupPhase::New:
    case BackupPhase::Queued:
    case BackupPhase::ReadyToStart:
    case BackupPhase::InProgress:
    case BackupPhase::WaitingForPluginOperations:
    case BackupPhase::WaitingForPluginOperationsPartiallyFailed:
    case BackupPhase::Finalizing:
    case BackupPhase::FinalizingPartiallyFailed:
    case BackupPhase::Deleting:
    case BackupPhase::Unknown:
      return phase;
  }
  return phase;
}

void describe_phase(DescriptionText& out, const model::Backup& backup) {
  out.field(0, "Phase", phase_text(out, backup));
  if (backup.status.phase == BackupPhase::Queued)
    out.field(0, "Queue position", backup.status.queue_position);
  // Velero keeps the reason to the object; it is the one line that a reader looks for.
  if (!backup.status.failure_reason.empty() && out.style().program != "velero") {
    out.blank();
    out.field(0, "Failure reason", out.red(backup.status.failure_reason));
  }
}

void describe_progress(DescriptionText& out, const model::BackupStatus& status) {
  if (!status.progress) return;
  const bool running = status.phase == BackupPhase::InProgress;
  out.field(0, running ? "Estimated total items to be backed up" : "Total items to be backed up",
            status.progress->total_items);
  out.field(0, running ? "Items backed up so far" : "Items backed up",
            status.progress->items_backed_up);
  out.blank();
}

void describe_operation(DescriptionText& out, const model::BackupOperation& operation) {
  describe_operation_head(out, operation.spec.resource_identifier, "Backup Item Action Plugin",
                          operation.spec.backup_item_action, operation.spec.operation_id);
  if (!operation.spec.post_operation_items.empty()) out.heading(2, "Items to Update");
  for (const model::ResourceIdentifier& item : operation.spec.post_operation_items)
    out.line(3, fmt::format("{} {}/{}", item.group_resource(), item.ns, item.name));
  describe_operation_status(out, operation.status);
}

void describe_operations(DescriptionText& out, const DescribedBackup& described) {
  constexpr std::string_view kLabel = "Backup Item Operations";
  const model::BackupStatus& status = described.backup.status;
  if (status.backup_item_operations_attempted == 0) return;
  if (!out.style().details) {
    out.field(0, kLabel,
              OperationCounts{.attempted = status.backup_item_operations_attempted,
                              .completed = status.backup_item_operations_completed,
                              .failed = status.backup_item_operations_failed}
                  .text());
    return;
  }
  const auto document = described.document(DownloadTargetKind::BackupItemOperations);
  if (!document) {
    out.field(0, kLabel,
              fmt::format("<error getting operation info: {}>", document.error().message()));
    return;
  }
  const auto operations = model::read_backup_operations(*document);
  if (!operations) {
    out.field(0, kLabel,
              fmt::format("<error reading operation info: {}>", operations.error().message()));
    return;
  }
  out.heading(0, kLabel);
  for (const model::BackupOperation& operation : *operations)
    describe_operation(out, operation);
}

void describe_native(DescriptionText& out, const BackupVolumes& volumes) {
  if (volumes.native.empty()) {
    out.remark(1, "Velero-Native Snapshots", "<none included>");
    return;
  }
  out.heading(1, "Velero-Native Snapshots");
  for (const model::BackupVolumeInfo& volume : volumes.native) {
    if (!out.style().details) {
      out.remark(2, volume.pv_name, "specify --details for more information");
      continue;
    }
    const auto snapshot = volume.native_snapshot_info.value_or(model::NativeSnapshotInfo());
    out.heading(2, volume.pv_name);
    out.field(3, "Snapshot ID", snapshot.snapshot_handle);
    out.field(3, "Type", snapshot.volume_type);
    out.field(3, "Availability Zone", snapshot.volume_az);
    out.field(3, "IOPS", snapshot.iops);
    out.field(3, "Result", volume.result.text());
  }
}

void describe_local_snapshot(DescriptionText& out, const model::BackupVolumeInfo& volume) {
  if (!volume.preserve_local_snapshot) return;
  if (!out.style().details) return out.remark(3, "Snapshot", kForMore);
  const auto snapshot = volume.csi_snapshot_info.value_or(model::CsiSnapshotInfo());
  out.heading(3, "Snapshot");
  if (!volume.snapshot_data_moved && !snapshot.operation_id.empty())
    out.remark(4, "Operation ID", snapshot.operation_id);
  out.remark(4, "Snapshot Content Name", snapshot.vsc_name);
  out.remark(4, "Storage Snapshot ID", snapshot.snapshot_handle);
  out.remark(4, "Snapshot Size (bytes)", std::to_string(snapshot.size));
  out.remark(4, "CSI Driver", snapshot.driver);
  out.remark(4, "Result", volume.result.text());
}

void describe_data_movement(DescriptionText& out, const model::BackupVolumeInfo& volume) {
  if (!volume.snapshot_data_moved) return;
  if (!out.style().details) return out.remark(3, "Data Movement", kForMore);
  const auto movement =
      volume.snapshot_data_movement_info.value_or(model::SnapshotDataMovementInfo());
  out.heading(3, "Data Movement");
  out.remark(4, "Operation ID", movement.operation_id);
  out.remark(4, "Data Mover", movement.data_mover.empty() ? "velero" : movement.data_mover);
  out.remark(4, "Uploader Type", movement.uploader_type);
  out.remark(4, "Moved data Size (bytes)", std::to_string(movement.size));
  if (movement.incremental_size > 0) {
    out.remark(4, "Incremental data Size (bytes)", std::to_string(movement.incremental_size));
  }
  out.remark(4, "Result", volume.result.text());
}

void describe_csi(DescriptionText& out, const BackupVolumes& volumes) {
  if (volumes.csi.empty()) return out.remark(1, "CSI Snapshots", volumes.no_csi());
  out.heading(1, "CSI Snapshots");
  for (const model::BackupVolumeInfo& volume : volumes.csi) {
    out.heading(2, fmt::format("{}/{}", volume.pvc_namespace, volume.pvc_name));
    describe_local_snapshot(out, volume);
    describe_data_movement(out, volume);
  }
}

void describe_pod_volumes(DescriptionText& out, const std::vector<model::PodVolumeBackup>& all) {
  if (all.empty()) return out.remark(1, "Pod Volume Backups", "<none included>");
  const bool details = out.style().details;
  out.heading(1, fmt::format("Pod Volume Backups - {}{}", all.front().spec.uploader_type,
                             details ? "" : " (specify --details for more information)"));
  std::vector<PhaseOfPodVolumes> phases = group_by_phase(all);
  sort_by_name(phases);
  for (const PhaseOfPodVolumes& phase : phases) {
    if (!details) {
      out.field(2, phase.phase, static_cast<std::int64_t>(phase.count));
      continue;
    }
    out.heading(2, phase.phase);
    for (const PodVolumes& pod : phase.pods)
      out.remark(3, pod.pod, join(pod.volumes, ", "));
  }
}

void describe_volumes(DescriptionText& out, const DescribedBackup& described) {
  out.heading(0, "Backup Volumes");
  const auto volumes = read_backup_volumes(described);
  if (!volumes) return out.line(1, fmt::format("<{}>", volumes.error().message()));
  describe_native(out, *volumes);
  out.blank();
  describe_csi(out, *volumes);
  out.blank();
  describe_pod_volumes(out, described.pod_volumes);
}

void describe_status(DescriptionText& out, const DescribedBackup& described) {
  const model::BackupStatus& status = described.backup.status;
  out.field(0, "Backup Format Version", status.format_version);
  out.blank();
  out.field(0, "Started", out.time(status.start_timestamp, "<n/a>"));
  out.field(0, "Completed", out.time(status.completion_timestamp, "<n/a>"));
  out.blank();
  out.field(0, "Expiration", out.time(status.expiration, "<nil>"));
  out.blank();
  describe_progress(out, status);
  describe_operations(out, described);
  if (out.style().details) {
    describe_resource_list(out, described.document(DownloadTargetKind::BackupResourceList),
                           "backup");
    out.blank();
  }
  describe_volumes(out, described);
  if (!status.hook_status) return;
  out.blank();
  out.field(0, "HooksAttempted", status.hook_status->hooks_attempted);
  out.field(0, "HooksFailed", status.hook_status->hooks_failed);
}

void describe_deletions(DescriptionText& out,
                        const std::vector<model::DeleteBackupRequest>& requests) {
  if (requests.empty()) return;
  const auto failed = std::count_if(requests.begin(), requests.end(), [](const auto& request) {
    return request.status.phase == model::RequestPhase::Processed && !request.status.errors.empty();
  });
  out.blank();
  out.heading(
      0, failed > 0 ? fmt::format("Deletion Attempts ({} failed)", failed) : "Deletion Attempts");
  bool first = true;
  for (const model::DeleteBackupRequest& request : requests) {
    if (!first) out.blank();
    first = false;
    out.remark(1, out.time(request.metadata.creation_timestamp, "<nil>"),
               request.status.phase.text());
    if (request.status.errors.empty()) continue;
    out.heading(1, "Errors");
    for (const std::string& error : request.status.errors)
      out.line(2, error);
  }
}

}  // namespace

std::string describe_backup(const DescribedBackup& described, const DescribeStyle& style) {
  DescriptionText out(style);
  const model::Backup& backup = described.backup;
  describe_metadata(out, backup.metadata);
  out.blank();
  describe_phase(out, backup);
  describe_spec_extras(out, backup.spec);
  describe_validation_errors(out, backup.status.validation_errors);
  out.blank();
  if (backup.status.warnings > 0 || backup.status.errors > 0) {
    describe_results(out, {.warnings = backup.status.warnings, .errors = backup.status.errors},
                     described.document(DownloadTargetKind::BackupResults), true);
  }
  out.blank();
  describe_backup_spec(out, backup.spec);
  out.blank();
  describe_status(out, described);
  describe_coverage(out, described);
  describe_deletions(out, described.deletions);
  return out.laid_out();
}

}  // namespace lateen::cli
