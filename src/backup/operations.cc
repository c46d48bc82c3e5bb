#include "backup/operations.h"

#include <algorithm>
#include <utility>

#include "backup/csi_actions.h"
#include "backup/data_uploads.h"
#include "backup/fresh_items.h"
#include "backup/plugin_actions.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/csi_snapshot.h"
#include "volumes/data_mover.h"

namespace lateen::backup {
namespace {

using model::BackupOperation;
using model::OperationPhase;

constexpr std::string_view kSnapshotsResource = "volumesnapshots";

// "<ns>/<name>/<start>"
struct SnapshotRef {
  std::string ns;
  std::string name;
};

SnapshotRef snapshot_of(const BackupOperation& operation) {
  return {operation.spec.resource_identifier.ns, operation.spec.resource_identifier.name};
}

bool has_ended(const BackupOperation& operation) {
  return model::is_terminal(operation.status.phase.value());
}

void fail(BackupOperation& operation, std::string error, OperationsProgress& progress) {
  operation.status.phase = OperationPhase::Failed;
  operation.status.error = fmt::format("{}, plugin: {}", error, operation.spec.backup_item_action);
  progress.new_errors.push_back(operation.status.error);
  progress.changed = true;
}

void count_ended(const std::vector<BackupOperation>& operations, OperationsProgress& progress) {
  for (const BackupOperation& operation : operations) {
    if (operation.status.phase == OperationPhase::Completed) ++progress.completed;
    if (operation.status.phase == OperationPhase::Failed) ++progress.failed;
    if (!has_ended(operation)) progress.running = true;
  }
}

Result<volumes::Readiness> ask_snapshot(const BackupOperation& operation,
                                        kube::Client& client,
                                        std::stop_token stop) {
  const SnapshotRef ref = snapshot_of(operation);
  const Json snapshot =
      TRY(client.get({.gvr = volumes::kVolumeSnapshots, .ns = ref.ns, .name = ref.name}, {}, stop));
  return volumes::readiness_of(TRY(volumes::content_of(client, snapshot, stop)));
}

void poll_plugin(BackupOperation& operation,
                 Duration timeout,
                 const BackupTools& tools,
                 OperationsProgress& progress,
                 std::stop_token stop) {
  const plugins::OperationLook look =
      tools.plugins->look_at(operation, tools.clock.now(), timeout, std::move(stop));
  progress.changed |= look.changed;
  if (!look.error.empty()) fail(operation, look.error, progress);
}

bool is_late(const BackupOperation& operation, Duration timeout, const BackupTools& tools) {
  return operation.status.created && tools.clock.now() >= *operation.status.created + timeout;
}

// Nobody waits for it any more.
void cancel_move(const BackupOperation& operation, const BackupTools& tools, std::stop_token stop) {
  const Status asked = cancel_upload(operation, tools.client, std::move(stop));
  if (!asked) tools.log.warning("Could not cancel a DataUpload", {{"error", asked.error()}});
}

void poll_move(BackupOperation& operation,
               Duration timeout,
               const BackupTools& tools,
               OperationsProgress& progress,
               std::stop_token stop) {
  const auto upload = read_upload(operation, tools.client, stop);
  if (upload) {
    const model::OperationStatus before = operation.status;
    const std::string error = volumes::tell_operation(*upload, operation.status);
    progress.changed |= operation.status != before;
    if (!error.empty()) fail(operation, error, progress);
  } else if (upload.error().is(Code::NotFound)) {
    fail(operation, "its DataUpload is gone", progress);
  }
  if (has_ended(operation) || !is_late(operation, timeout, tools)) return;
  cancel_move(operation, tools, std::move(stop));
  fail(operation, "Asynchronous action timed out", progress);
}

void poll_one(BackupOperation& operation,
              Duration timeout,
              const BackupTools& tools,
              OperationsProgress& progress,
              std::stop_token stop) {
  if (operation.spec.backup_item_action == kMoveAction) {
    poll_move(operation, timeout, tools, progress, std::move(stop));
    return;
  }
  if (operation.spec.backup_item_action != kSnapshotAction) {
    if (tools.plugins != nullptr && tools.plugins->has(operation.spec.backup_item_action)) {
      poll_plugin(operation, timeout, tools, progress, stop);
      return;
    }
    fail(operation, "no action of this name can be asked for progress", progress);
    return;
  }
  const TimePoint now = tools.clock.now();
  if (operation.status.phase != OperationPhase::InProgress) {
    operation.status.phase = OperationPhase::InProgress;
    operation.status.started = operation.status.created;
    progress.changed = true;
  }
  auto readiness = ask_snapshot(operation, tools.client, stop);
  if (readiness && readiness->ready) {
    operation.status.phase = OperationPhase::Completed;
    operation.status.updated = now;
    progress.changed = true;
    return;
  }
  if (readiness && !readiness->error.empty()) {
    operation.status.updated = now;
    fail(operation, readiness->error, progress);
    return;
  }
  if (!readiness && readiness.error().is(Code::NotFound)) {
    fail(operation, readiness.error().message(), progress);
    return;
  }
  if (is_late(operation, timeout, tools)) {
    fail(operation, "Asynchronous action timed out", progress);
  }
}

Status rewrite(const archive::ArchiveReader& before,
               FreshItems fresh,
               archive::ArchiveWriter& after,
               std::stop_token stop) {
  for (const archive::ArchivedItem& item : before.items()) {
    const auto at = fresh.find({std::string(item.key.group_resource), std::string(item.key.ns),
                                std::string(item.key.name)});
    if (at != fresh.end() && item.key.preferred) {
      TRY(after.add(item.key, write_json(at->second.object), stop));
      fresh.erase(at);
      continue;
    }
    const Bytes same = TRY(before.read(item));
    TRY(after.add(item.key, same, stop));
  }
  // What an operation has made is not in the old one.
  for (const auto& [id, item] : fresh) {
    const auto& [kind, ns, name] = id;
    TRY(after.add({.group_resource = kind, .ns = ns, .name = name, .version = item.version},
                  write_json(item.object), stop));
  }
  return {};
}

void update_volumes(const std::vector<BackupOperation>& operations,
                    const BackupTools& tools,
                    std::vector<model::BackupVolumeInfo>& infos) {
  for (model::BackupVolumeInfo& info : infos) {
    if (!info.csi_snapshot_info) continue;
    const auto at = std::find_if(
        operations.begin(), operations.end(), [&info](const BackupOperation& operation) {
          return operation.spec.operation_id == info.csi_snapshot_info->operation_id;
        });
    if (at == operations.end()) continue;
    const bool completed = at->status.phase == OperationPhase::Completed;
    info.completion_timestamp = at->status.updated ? *at->status.updated : tools.clock.now();
    info.result = completed ? model::VolumeResult::Succeeded : model::VolumeResult::Failed;
    info.csi_snapshot_info->ready_to_use = completed;
  }
}

}  // namespace

OperationsProgress poll_operations(std::vector<BackupOperation>& operations,
                                   Duration timeout,
                                   const BackupTools& tools,
                                   std::stop_token stop) {
  OperationsProgress progress;
  for (BackupOperation& operation : operations) {
    if (!has_ended(operation)) poll_one(operation, timeout, tools, progress, stop);
  }
  count_ended(operations, progress);
  return progress;
}

OperationsProgress cancel_operations(std::vector<BackupOperation>& operations,
                                     std::string_view reason,
                                     const BackupTools& tools,
                                     std::stop_token stop) {
  OperationsProgress progress;
  for (BackupOperation& operation : operations) {
    if (has_ended(operation)) continue;
    const std::string& action = operation.spec.backup_item_action;
    if (action == kMoveAction) cancel_move(operation, tools, stop);
    if (tools.plugins != nullptr && tools.plugins->has(action)) {
      // One that is out of time is told to cancel, unless it has just ended.
      (void)tools.plugins->look_at(operation, tools.clock.now(), Duration::zero(), stop);
    }
    if (operation.status.phase != OperationPhase::Completed) {
      fail(operation, std::string(reason), progress);
    }
    progress.changed = true;
  }
  count_ended(operations, progress);
  return progress;
}

bool needs_new_contents(const std::vector<BackupOperation>& operations) {
  return std::any_of(operations.begin(), operations.end(), [](const BackupOperation& operation) {
    return !operation.spec.post_operation_items.empty();
  });
}

Status finalize_backup(const model::Backup& backup,
                       const std::vector<BackupOperation>& operations,
                       std::vector<model::BackupVolumeInfo>& volumes,
                       const BackupTools& tools,
                       const archive::ArchiveReader& before,
                       archive::ArchiveWriter& after,
                       std::stop_token stop) {
  FreshItems fresh =
      TRY(read_items_again(operations, model::valid_name(backup.metadata.name), tools, stop));
  note_moved(fresh, volumes);
  TRY(rewrite(before, std::move(fresh), after, stop));
  update_volumes(operations, tools, volumes);
  return {};
}

Result<std::int64_t> release_snapshots(const std::vector<BackupOperation>& operations,
                                       const BackupTools& tools,
                                       std::stop_token stop) {
  std::int64_t failed = 0;
  for (const BackupOperation& operation : operations) {
    if (operation.spec.resource_identifier.resource != kSnapshotsResource) continue;
    const SnapshotRef ref = snapshot_of(operation);
    const Status released = volumes::release_snapshot(tools.client, ref.ns, ref.name, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
    if (released) continue;
    ++failed;
    tools.log.error(
        "Could not take the VolumeSnapshot out of the cluster: deleting it there would delete the "
        "backup's data",
        {{"namespace", ref.ns}, {"name", ref.name}, {"error", released.error()}});
  }
  return failed;
}

}  // namespace lateen::backup
