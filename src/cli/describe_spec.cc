#include "cli/describe_spec.h"

#include "base/duration.h"
#include "base/text.h"
#include "cli/describe_parts.h"
#include "model/spec_validation.h"

namespace lateen::cli {
namespace {

void describe_resources(DescriptionText& out, const model::BackupSpec& spec) {
  out.heading(0, "Resources");
  if (model::uses_old_resource_filters(spec)) {
    out.field(1, "Included", listed(spec.included_resources, "*"));
    out.field(1, "Excluded", listed(spec.excluded_resources, "<none>"));
    out.field(1, "Cluster-scoped", tristate(spec.include_cluster_resources, kClusterScopedWords));
    return;
  }
  out.field(1, "Included cluster-scoped", listed(spec.included_cluster_scoped_resources, "<none>"));
  out.field(1, "Excluded cluster-scoped", listed(spec.excluded_cluster_scoped_resources, "<none>"));
  out.field(1, "Included namespace-scoped", listed(spec.included_namespace_scoped_resources, "*"));
  out.field(1, "Excluded namespace-scoped",
            listed(spec.excluded_namespace_scoped_resources, "<none>"));
}

void describe_volume_settings(DescriptionText& out, const model::BackupSpec& spec) {
  out.field(0, "Velero-Native Snapshot PVs", tristate(spec.snapshot_volumes, kAutoWords));
  if (spec.default_volumes_to_fs_backup) {
    out.field(0, "File System Backup (Default)",
              tristate(spec.default_volumes_to_fs_backup, kAutoWords));
  }
  out.field(0, "Snapshot Move Data", tristate(spec.snapshot_move_data, kAutoWords));
  out.field(0, "Data Mover", spec.datamover.empty() ? "velero" : spec.datamover);
}

void describe_hook(DescriptionText& out, std::string_view label, const model::ExecHook& hook) {
  out.blank();
  out.heading(3, label);
  out.field(4, "Container", hook.container);
  out.field(4, "Command", join(hook.command, " "));
  out.field(4, "On Error", hook.on_error.text());
  out.field(4, "Timeout", format_go_duration(hook.timeout));
}

void describe_hooks_of(DescriptionText& out, const model::BackupResourceHookSpec& spec) {
  out.heading(2, spec.name);
  out.heading(3, "Namespaces");
  out.field(4, "Included", listed(spec.included_namespaces, "*"));
  out.field(4, "Excluded", listed(spec.excluded_namespaces, "<none>"));
  out.blank();
  out.heading(3, "Resources");
  out.field(4, "Included", listed(spec.included_resources, "*"));
  out.field(4, "Excluded", listed(spec.excluded_resources, "<none>"));
  out.blank();
  out.field(3, "Label selector", selector_text(spec.label_selector));
  for (const model::BackupResourceHook& hook : spec.pre) {
    if (hook.exec) describe_hook(out, "Pre Exec Hook", *hook.exec);
  }
  for (const model::BackupResourceHook& hook : spec.post) {
    if (hook.exec) describe_hook(out, "Post Exec Hook", *hook.exec);
  }
}

void describe_hooks(DescriptionText& out, const model::BackupHooks& hooks) {
  if (hooks.resources.empty()) {
    out.field(0, "Hooks", "<none>");
    return;
  }
  out.heading(0, "Hooks");
  out.heading(1, "Resources");
  for (const model::BackupResourceHookSpec& spec : hooks.resources)
    describe_hooks_of(out, spec);
}

}  // namespace

void describe_spec_extras(DescriptionText& out, const model::BackupSpec& spec) {
  if (spec.resource_policy) describe_reference(out, "Resource policies", *spec.resource_policy);
  if (spec.uploader_config && spec.uploader_config->parallel_files_upload > 0) {
    out.blank();
    out.heading(0, "Uploader config");
    out.field(1, "Parallel files upload", spec.uploader_config->parallel_files_upload);
  }
}

void describe_backup_spec(DescriptionText& out, const model::BackupSpec& spec) {
  out.heading(0, "Namespaces");
  out.field(1, "Included", listed(spec.included_namespaces, "*"));
  out.field(1, "Excluded", listed(spec.excluded_namespaces, "<none>"));
  out.blank();
  describe_resources(out, spec);
  out.blank();
  out.field(0, "Label selector", selector_text(spec.label_selector));
  out.blank();
  out.field(0, "Or label selector", or_selectors_text(spec.or_label_selectors));
  out.blank();
  out.field(0, "Storage Location", spec.storage_location);
  out.blank();
  describe_volume_settings(out, spec);
  out.blank();
  out.field(0, "TTL", format_go_duration(spec.ttl));
  out.blank();
  out.field(0, "CSISnapshotTimeout", format_go_duration(spec.csi_snapshot_timeout));
  out.field(0, "ItemOperationTimeout", format_go_duration(spec.item_operation_timeout));
  out.blank();
  describe_hooks(out, spec.hooks);
  if (spec.ordered_resources.empty()) return;
  out.blank();
  out.heading(0, "OrderedResources");
  for (const auto& [kind, names] : spec.ordered_resources)
    out.remark(1, kind, names);
}

}  // namespace lateen::cli
