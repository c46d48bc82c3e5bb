#include "server/traces.h"

#include "kube/object.h"
#include "model/names.h"

namespace lateen::server {
namespace {

// The root of a Backup's or a Restore's tree; of one that was never begun there is none.
template <typename Status>
std::optional<SpanRecord> root_of(std::string_view name, const Status& status) {
  if (!status.start_timestamp || !status.completion_timestamp) return std::nullopt;
  SpanRecord root;
  root.name = name;
  root.start = *status.start_timestamp;
  root.end = *status.completion_timestamp;
  root.attributes = {{"lateen.phase", status.phase.text()},
                     {"lateen.errors", status.errors},
                     {"lateen.warnings", status.warnings}};
  if (!status.failure_reason.empty()) {
    root.error = status.failure_reason;
  } else if (status.errors > 0) {
    root.error = fmt::format("{} objects with errors", status.errors);
  }
  return root;
}

}  // namespace

Trace trace_of(const ServerContext& context, const model::ObjectMeta& metadata) {
  return Trace::of_object(context.tracer, metadata.uid);
}

Log with_trace(const Log& log, const Trace& trace) {
  return trace.id().empty() ? log : log.with(LogField("trace_id", trace.id()));
}

void trace_ended(const ServerContext& context, const model::Backup& backup) {
  std::optional<SpanRecord> root = root_of("backup", backup.status);
  if (!root || !context.tracer.is_on()) return;
  root->attributes.emplace_back("velero.backup",
                                kube::object_key(backup.metadata.ns, backup.metadata.name));
  root->attributes.emplace_back("velero.schedule",
                                backup.metadata.label(model::labels::kScheduleName));
  root->attributes.emplace_back("velero.location", backup.spec.storage_location);
  if (backup.status.progress)
    root->attributes.emplace_back("lateen.items", backup.status.progress->items_backed_up);
  trace_of(context, backup.metadata).note_root(std::move(*root));
}

void trace_ended(const ServerContext& context, const model::Restore& restore) {
  std::optional<SpanRecord> root = root_of("restore", restore.status);
  if (!root || !context.tracer.is_on()) return;
  root->attributes.emplace_back("velero.restore",
                                kube::object_key(restore.metadata.ns, restore.metadata.name));
  root->attributes.emplace_back("velero.backup", restore.spec.backup_name);
  if (restore.status.progress)
    root->attributes.emplace_back("lateen.items", restore.status.progress->items_restored);
  trace_of(context, restore.metadata).note_root(std::move(*root));
}

void trace_volumes(const Trace& trace, const std::vector<model::BackupVolumeInfo>& volumes) {
  if (trace.id().empty()) return;
  for (const model::BackupVolumeInfo& volume : volumes) {
    if (!volume.start_timestamp || !volume.completion_timestamp) continue;
    SpanRecord span;
    span.name = "volume";
    span.start = *volume.start_timestamp;
    span.end = *volume.completion_timestamp;
    span.attributes = {
        {"k8s.persistentvolumeclaim", kube::object_key(volume.pvc_namespace, volume.pvc_name)},
        {"k8s.persistentvolume", volume.pv_name},
        {"lateen.method", volume.backup_method.text()}};
    if (volume.result == model::VolumeResult::Failed) span.error = "the volume was not saved";
    trace.note(std::move(span));
  }
}

}  // namespace lateen::server
