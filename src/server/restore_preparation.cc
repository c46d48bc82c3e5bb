#include "server/restore_preparation.h"

#include <tuple>

#include "model/backup.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/spec_validation.h"
#include "restore/namespace_mapping.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::Restore;
using model::RestorePhase;

void check_backup(Restore& restore, const ServerContext& context, std::stop_token stop) {
  model::StringList& errors = restore.status.validation_errors;
  auto backup = context.cluster.get<Backup>(restore.spec.backup_name, stop);
  if (!backup) {
    errors.push_back(fmt::format("Error retrieving backup: {}", backup.error().message()));
    return;
  }
  // Filled in for those who count restores by schedule, as Velero does.
  if (restore.spec.schedule_name.empty()) {
    restore.spec.schedule_name = backup->metadata.label(model::labels::kScheduleName);
  }
  if (!model::is_restorable(backup->status.phase.value()) &&
      backup->status.phase != model::BackupPhase::Failed) {
    errors.push_back(
        fmt::format("backup {} is in phase {}: only a backup that has ended can be restored",
                    restore.spec.backup_name, backup->status.phase.text()));
  }
  auto store = open_available_store(context, backup->spec.storage_location, Access::Read, stop);
  if (!store) errors.push_back(fmt::format("Error retrieving backup: {}", store.error().message()));
}

}  // namespace

Result<std::string> newest_of_schedule(const std::string& schedule,
                                       const Cluster& cluster,
                                       std::stop_token stop) {
  const auto backups =
      TRY(cluster.list<Backup>(fmt::format("{}={}", model::labels::kScheduleName, schedule), stop));
  const Backup* newest = nullptr;
  for (const Backup& backup : backups) {
    if (backup.status.phase != model::BackupPhase::Completed) continue;
    // Two of one second are told apart by their names, which end in a time.
    if (newest == nullptr || std::tie(backup.status.start_timestamp, backup.metadata.name) >
                                 std::tie(newest->status.start_timestamp, newest->metadata.name)) {
      newest = &backup;
    }
  }
  if (newest == nullptr) {
    return Error(Code::NotFound, "No completed backups found for schedule");
  }
  return newest->metadata.name;
}

Result<restore::Modifiers> read_modifiers(const Restore& restore,
                                          kube::Client& client,
                                          std::stop_token stop) {
  const auto& reference = restore.spec.resource_modifier;
  if (!reference || !reference->is_config_map()) return restore::Modifiers();
  const Json config_map = TRY(
      client
          .get(
              {.gvr = {"", "v1", "configmaps"}, .ns = restore.metadata.ns, .name = reference->name},
              {}, stop)
          .wrap("failed to get resource modifiers configmap {}/{}", restore.metadata.ns,
                reference->name));
  return restore::Modifiers::from_config_map(config_map);
}

Result<Restore> prepare_restore(const Restore& before,
                                const ServerContext& context,
                                std::stop_token stop) {
  Restore restore = before;
  // What people wrote is checked before the server adds its own: their including a node is an
  // error.
  model::StringList& errors = restore.status.validation_errors;
  errors = model::validate(restore.spec);
  for (std::string& wrong : restore::validate_namespace_mapping(restore.spec.namespace_mapping))
    errors.push_back(std::move(wrong));
  model::add_non_restorable_resources(restore.spec);
  if (restore.spec.item_operation_timeout == Duration::zero()) {
    restore.spec.item_operation_timeout = context.config.default_item_operation_timeout;
  }
  if (errors.empty() && restore.spec.backup_name.empty()) {
    auto newest = newest_of_schedule(restore.spec.schedule_name, context.cluster, stop);
    if (newest) {
      restore.spec.backup_name = std::move(*newest);
    } else {
      errors.push_back(newest.error().message());
    }
  }
  if (errors.empty()) check_backup(restore, context, stop);
  if (auto modifiers = read_modifiers(restore, context.client(), stop); !modifiers) {
    errors.push_back(modifiers.error().message());
  }
  if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
  if (!restore.metadata.has_finalizer(model::finalizers::kRestoreResources)) {
    restore.metadata.add_finalizer(model::finalizers::kRestoreResources);
  }
  restore.status.start_timestamp = context.clock.now();
  if (errors.empty()) {
    restore.status.phase = RestorePhase::InProgress;
  } else {
    restore.status.phase = RestorePhase::FailedValidation;
    restore.status.completion_timestamp = context.clock.now();
  }
  return restore;
}

}  // namespace lateen::server
