#include "base/duration.h"
#include "base/text.h"
#include "cli/describe.h"
#include "cli/describe_parts.h"
#include "cli/describe_volumes.h"
#include "model/documents.h"

namespace lateen::cli {
namespace {

using model::DownloadTargetKind;
using model::RestorePhase;

constexpr std::string_view kForMoreOfRestore = "specify --details for more information";

std::string phase_text(const DescriptionText& out, const model::Restore& restore) {
  std::string phase(restore.status.phase.empty() ? "New" : restore.status.phase.text());
  if (restore.metadata.deletion_timestamp) phase += " (Deleting)";
  const RestorePhase value = restore.status.phase.value();
  if (value == RestorePhase::Completed) return out.green(phase);
  if (value == RestorePhase::FailedValidation) return out.red(phase);
  if (value != RestorePhase::Failed && value != RestorePhase::PartiallyFailed) return phase;
  return out.red(phase) + fmt::format(" (run '{} restore logs {}' for more information)",
                                      out.style().program, restore.metadata.name);
}

void describe_progress(DescriptionText& out, const model::RestoreStatus& status) {
  if (!status.progress) return;
  const bool running = status.phase == RestorePhase::InProgress;
  out.field(0, running ? "Estimated total items to be restored" : "Total items to be restored",
            status.progress->total_items);
  out.field(0, running ? "Items restored so far" : "Items restored",
            status.progress->items_restored);
}

void describe_state(DescriptionText& out, const DescribedRestore& described) {
  const model::RestoreStatus& status = described.restore.status;
  out.field(0, "Phase", phase_text(out, described.restore));
  describe_progress(out, status);
  // Velero keeps the reason to the object; it is the one line that a reader looks for.
  if (!status.failure_reason.empty() && out.style().program != "velero") {
    out.blank();
    out.field(0, "Failure reason", out.red(status.failure_reason));
  }
  out.blank();
  out.field(0, "Started", out.time(status.start_timestamp, "<n/a>"));
  out.field(0, "Completed", out.time(status.completion_timestamp, "<n/a>"));
  describe_validation_errors(out, status.validation_errors);
  if (status.warnings == 0 && status.errors == 0) return;
  describe_results(out, {.warnings = status.warnings, .errors = status.errors},
                   described.document(DownloadTargetKind::RestoreResults), false);
}

void describe_filters(DescriptionText& out, const model::RestoreSpec& spec) {
  const bool all =
      spec.included_namespaces.empty() || spec.included_namespaces == model::StringList{"*"};
  out.heading(0, "Namespaces");
  out.field(1, "Included",
            all ? "all namespaces found in the backup" : listed(spec.included_namespaces, ""));
  out.field(1, "Excluded", listed(spec.excluded_namespaces, "<none>"));
  out.blank();
  out.heading(0, "Resources");
  out.field(1, "Included", listed(spec.included_resources, "*"));
  out.field(1, "Excluded", listed(spec.excluded_resources, "<none>"));
  out.field(1, "Cluster-scoped", tristate(spec.include_cluster_resources, kClusterScopedWords));
  out.blank();
  out.map("Namespace mappings", spec.namespace_mapping);
  out.blank();
  out.field(0, "Label selector", selector_text(spec.label_selector));
  out.blank();
  out.field(0, "Or label selector", or_selectors_text(spec.or_label_selectors));
  out.blank();
  out.field(0, "Restore PVs", tristate(spec.restore_pvs, kAutoWords));
}

void describe_pod_volumes(DescriptionText& out, const std::vector<model::PodVolumeRestore>& all) {
  if (all.empty()) return;
  const bool details = out.style().details;
  out.blank();
  out.heading(0, fmt::format("{} Restores{}", all.front().spec.uploader_type,
                             details ? "" : " (specify --details for more information)"));
  std::vector<PhaseOfPodVolumes> phases = group_by_phase(all);
  sort_by_name(phases);
  for (const PhaseOfPodVolumes& phase : phases) {
    if (!details) {
      out.field(1, phase.phase, static_cast<std::int64_t>(phase.count));
      continue;
    }
    out.heading(1, phase.phase);
    for (const PodVolumes& pod : phase.pods)
      out.remark(2, pod.pod, join(pod.volumes, ", "));
  }
}

void describe_csi_volume(DescriptionText& out, const model::RestoreVolumeInfo& volume) {
  const bool moved = volume.snapshot_data_moved;
  out.heading(1, fmt::format("{}/{}", volume.pvc_namespace, volume.pvc_name));
  if (!out.style().details)
    return out.remark(2, moved ? "Data Movement" : "Snapshot", kForMoreOfRestore);
  if (moved) {
    const auto movement =
        volume.snapshot_data_movement_info.value_or(model::SnapshotDataMovementInfo());
    out.heading(2, "Data Movement");
    out.remark(3, "Operation ID", movement.operation_id);
    out.remark(3, "Data Mover", movement.data_mover);
    out.remark(3, "Uploader Type", movement.uploader_type);
    return;
  }
  const auto snapshot = volume.csi_snapshot_info.value_or(model::CsiSnapshotInfo());
  out.heading(2, "Snapshot");
  out.remark(3, "Snapshot Content Name", snapshot.vsc_name);
  out.remark(3, "Storage Snapshot ID", snapshot.snapshot_handle);
  out.remark(3, "CSI Driver", snapshot.driver);
}

// Restores of before 1.15 have no such document: nothing is said of them then.
void describe_csi_volumes(DescriptionText& out, const DescribedRestore& described) {
  const auto document = described.document(DownloadTargetKind::RestoreVolumeInfo);
  if (!document) {
    if (document.error().is(Code::NotFound)) return;
    return out.line(
        1, fmt::format("<error getting restore volume info: {}>", document.error().message()));
  }
  const auto volumes = model::read_restore_volume_infos(*document);
  if (!volumes) {
    return out.line(
        1, fmt::format("<error reading restore volume info: {}>", volumes.error().message()));
  }
  std::vector<model::RestoreVolumeInfo> shown;
  for (const bool moved : {false, true}) {
    for (const model::RestoreVolumeInfo& volume : *volumes) {
      const bool csi = volume.restore_method == model::VolumeRestoreMethod::CSISnapshot;
      if (csi && volume.snapshot_data_moved == moved) shown.push_back(volume);
    }
  }
  out.blank();
  if (shown.empty()) return out.remark(0, "CSI Snapshot Restores", "<none included>");
  out.heading(0, "CSI Snapshot Restores");
  for (const model::RestoreVolumeInfo& volume : shown)
    describe_csi_volume(out, volume);
}

void describe_settings(DescriptionText& out, const model::RestoreSpec& spec) {
  out.blank();
  const std::string policy(spec.existing_resource_policy.text());
  // The blank behind the colon is Velero's, as with the hooks below.
  out.line(0, fmt::format("Existing Resource Policy: \t{}", policy.empty() ? "<none>" : policy));
  out.field(0, "ItemOperationTimeout", format_go_duration(spec.item_operation_timeout));
  out.blank();
  out.field(0, "Preserve Service NodePorts", tristate(spec.preserve_node_ports, kAutoWords));
  if (spec.resource_modifier) describe_reference(out, "Resource modifier", *spec.resource_modifier);
  if (!spec.uploader_config) return;
  out.blank();
  out.heading(0, "Uploader config");
  if (spec.uploader_config->write_sparse_files.value_or(false))
    out.field(1, "Write Sparse Files", "true");
  if (spec.uploader_config->parallel_files_download > 0)
    out.field(1, "Parallel Restore", spec.uploader_config->parallel_files_download);
}

void describe_operations(DescriptionText& out, const DescribedRestore& described) {
  constexpr std::string_view kLabel = "Restore Item Operations";
  const model::RestoreStatus& status = described.restore.status;
  if (status.restore_item_operations_attempted == 0) return;
  if (!out.style().details) {
    out.field(0, kLabel,
              OperationCounts{.attempted = status.restore_item_operations_attempted,
                              .completed = status.restore_item_operations_completed,
                              .failed = status.restore_item_operations_failed}
                  .text());
    return;
  }
  const auto document = described.document(DownloadTargetKind::RestoreItemOperations);
  if (!document) {
    return out.field(0, kLabel,
                     fmt::format("<error getting operation info: {}>", document.error().message()));
  }
  const auto operations = model::read_restore_operations(*document);
  if (!operations) {
    return out.field(
        0, kLabel, fmt::format("<error reading operation info: {}>", operations.error().message()));
  }
  out.heading(0, kLabel);
  for (const model::RestoreOperation& operation : *operations) {
    describe_operation_head(out, operation.spec.resource_identifier, "Restore Item Action Plugin",
                            operation.spec.restore_item_action, operation.spec.operation_id);
    describe_operation_status(out, operation.status);
  }
}

}  // namespace

std::string describe_restore(const DescribedRestore& described, const DescribeStyle& style) {
  DescriptionText out(style);
  const model::Restore& restore = described.restore;
  describe_metadata(out, restore.metadata);
  out.blank();
  describe_state(out, described);
  out.blank();
  out.field(0, "Backup", restore.spec.backup_name);
  out.blank();
  describe_filters(out, restore.spec);
  describe_pod_volumes(out, described.pod_volumes);
  describe_csi_volumes(out, described);
  describe_settings(out, restore.spec);
  out.blank();
  describe_operations(out, described);
  if (restore.status.hook_status) {
    out.blank();
    out.line(0, fmt::format("HooksAttempted: \t{}", restore.status.hook_status->hooks_attempted));
    out.line(0, fmt::format("HooksFailed: \t{}", restore.status.hook_status->hooks_failed));
  }
  if (style.details) {
    out.blank();
    describe_resource_list(out, described.document(DownloadTargetKind::RestoreResourceList),
                           "restore");
  }
  return out.laid_out();
}

}  // namespace lateen::cli
