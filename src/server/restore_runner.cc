#include "server/restore_runner.h"

#include <algorithm>
#include <tuple>

#include "base/thread.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "model/names.h"
#include "model/native_snapshot.h"
#include "model/phases.h"
#include "model/pod_volumes.h"
#include "model/spec_validation.h"
#include "restore/plan.h"
#include "restore/plugin_actions.h"
#include "restore/run.h"
#include "server/progress.h"
#include "server/run_log.h"
#include "server/server_plugins.h"
#include "server/stored_archive.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::Restore;
using model::RestorePhase;

std::string key_of(const Restore& restore) {
  return fmt::format("{}/{}", restore.metadata.ns, restore.metadata.name);
}

// The newest Completed backup of the schedule, by its start.
Result<std::string> newest_of_schedule(const std::string& schedule,
                                       const ServerContext& context,
                                       std::stop_token stop) {
  const auto backups = TRY(context.cluster.list<Backup>(
      fmt::format("{}={}", model::labels::kScheduleName, schedule), stop));
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

restore::ResourcePriorities priorities_of(const ServerConfig& config) {
  if (config.restore_resource_priorities.empty()) return restore::default_priorities();
  restore::ResourcePriorities priorities;
  bool high = true;
  for (const std::string& kind : config.restore_resource_priorities) {
    if (kind == "-") {
      high = false;
    } else {
      (high ? priorities.high : priorities.low).push_back(kind);
    }
  }
  return priorities;
}

// The rules of spec.resourceModifier; none when it names no ConfigMap.
Result<restore::Modifiers> read_modifiers(const Restore& restore,
                                          const ServerContext& context,
                                          std::stop_token stop) {
  const auto& reference = restore.spec.resource_modifier;
  if (!reference || !reference->is_config_map()) return restore::Modifiers();
  const Json config_map = TRY(
      context.client()
          .get(
              {.gvr = {"", "v1", "configmaps"}, .ns = restore.metadata.ns, .name = reference->name},
              {}, stop)
          .wrap("failed to get resource modifiers configmap {}/{}", restore.metadata.ns,
                reference->name));
  return restore::Modifiers::from_config_map(config_map);
}

// Everything that one run holds on to, in the order in which it is needed.
struct RestoreRun {
  const Restore& restore;
  const ServerContext& context;
  RunLog& run_log;
  objects::BackupStore& store;
  restore::RestoreTools tools;
  restore::RestoreRunOptions options = {};
};

// What became of the backup's volumes. Backups of Velero before 1.14 have no document that says it:
// then from those that tell of single methods.
Result<std::vector<model::BackupVolumeInfo>> volume_infos_of(objects::BackupStore& store,
                                                             const std::string& backup,
                                                             std::stop_token stop) {
  auto infos = store.get_volume_infos(backup, stop);
  if (infos || !infos.error().is(Code::NotFound)) return infos;
  std::vector<model::BackupVolumeInfo> found;
  auto copied = store.get_pod_volume_backups(backup, stop);
  if (!copied && !copied.error().is(Code::NotFound)) return std::move(copied).error();
  if (copied) {
    for (const model::PodVolumeBackup& one : *copied) {
      const auto claim = one.metadata.annotations.find(model::annotations::kPvcName);
      if (claim == one.metadata.annotations.end() || one.status.snapshot_id.empty()) continue;
      model::BackupVolumeInfo info;
      info.pvc_namespace = one.spec.pod.ns;
      info.pvc_name = claim->second;
      info.backup_method = model::VolumeBackupMethod::PodVolumeBackup;
      found.push_back(std::move(info));
    }
  }
  auto native = store.get_volume_snapshots(backup, stop);
  if (!native && !native.error().is(Code::NotFound)) return std::move(native).error();
  if (native) {
    for (const model::NativeSnapshot& one : *native) {
      if (one.status.provider_snapshot_id.empty()) continue;
      model::BackupVolumeInfo info;
      info.pv_name = one.spec.persistent_volume_name;
      info.backup_method = model::VolumeBackupMethod::NativeSnapshot;
      found.push_back(std::move(info));
    }
  }
  return found;
}

Result<restore::RestoreOutcome> carry_out(RestoreRun& run, std::stop_token stop) {
  const std::string& backup = run.restore.spec.backup_name;
  const StoredArchive stored = TRY(open_stored_archive(run.store, backup, stop));
  if (stored.reader.index_problem()) {
    run.run_log.log().info("The index of the tarball is not used",
                           {{"reason", stored.reader.index_problem()->message()}});
  }
  run.options.volumes = TRY(volume_infos_of(run.store, backup, stop));
  auto native = run.store.get_volume_snapshots(backup, stop);
  if (!native && !native.error().is(Code::NotFound)) return std::move(native).error();
  if (native) run.options.native_snapshots = std::move(*native);
  volumes::SnapshotLocations locations = snapshot_locations(run.context, run.run_log.log());
  run.options.snapshot_locations = &locations;
  run.options.modifiers = TRY(read_modifiers(run.restore, run.context, stop));
  const kube::Discovery discovery = TRY(kube::discover(run.context.client(), stop));
  run.options.priorities = priorities_of(run.context.config);
  const restore::RestorePlan plan = restore::plan_restore(run.restore.spec, stored.reader.items(),
                                                          discovery, run.options.priorities);
  auto outcome =
      restore::run_restore(run.restore, plan, stored.reader, run.tools, run.options, stop);
  run.options.snapshot_locations = nullptr;
  return outcome;
}

// What went wrong with the uploads is in the server's log: the restore itself has happened.
void upload(RestoreRun& run, const restore::RestoreOutcome& outcome) {
  const std::string& name = run.restore.metadata.name;
  const auto note = [&run](const Status& done, std::string_view what) {
    if (done) return;
    run.context.log.error(
        "Could not upload a document of the restore",
        {{"restore", run.restore.metadata.name}, {"document", what}, {"error", done.error()}});
  };
  note(run.store.put_restore_results(name, outcome.results), "results");
  const auto log = run.run_log.finish();
  note(log ? run.store.put_restore_log(name, *log) : Status(log.error()), "log");
  note(run.store.put_restore_resource_list(name, outcome.resource_list), "resource list");
  note(run.store.put_restore_item_operations(name, outcome.operations), "item operations");
  note(run.store.put_restore_volume_infos(name, outcome.volumes), "volume infos");
}

void fill_status(Restore& restore, const restore::RestoreOutcome& outcome) {
  model::RestoreStatus& status = restore.status;
  status.errors = static_cast<std::int64_t>(outcome.results.errors.count());
  status.warnings = static_cast<std::int64_t>(outcome.results.warnings.count());
  if (outcome.hooks.hooks_attempted > 0) status.hook_status = outcome.hooks;
  model::RestoreProgress progress = status.progress.value_or(model::RestoreProgress());
  progress.total_items = outcome.items;
  progress.items_restored = outcome.items;
  status.progress = progress;
  status.restore_item_operations_attempted = static_cast<std::int64_t>(outcome.operations.size());
}

// `good`, or its counterpart when there were errors.
RestorePhase phase_of(const Restore& restore, RestorePhase good) {
  return restore.status.errors > 0 ? model::partially_failed(good) : good;
}

// Asks for the operations that plugins have started, until they are over.
Status wait_for_operations(RestoreRun& run,
                           restore::RestoreOutcome& outcome,
                           Restore& done,
                           const std::function<void(const Restore&)>& tell,
                           std::stop_token stop) {
  if (outcome.operations.empty() || run.tools.plugins == nullptr) return {};
  while (true) {
    const restore::RestoreOperationsProgress progress =
        restore::poll_operations(outcome.operations, run.context.clock.now(),
                                 run.restore.spec.item_operation_timeout, *run.tools.plugins, stop);
    for (const std::string& error : progress.new_errors) {
      run.run_log.log().error("An operation of the restore has failed", {{"error", error}});
      outcome.results.errors.add_velero(error);
    }
    const model::RestoreStatus before = done.status;
    fill_status(done, outcome);
    done.status.restore_item_operations_completed = progress.completed;
    done.status.restore_item_operations_failed = progress.failed;
    if (!progress.running) return {};
    done.status.phase = phase_of(done, RestorePhase::WaitingForPluginOperations);
    if (done.status != before) tell(done);
    if (!sleep_unless_stopped(run.context.config.item_operation_sync_frequency, stop)) {
      return Error(Code::Canceled, "the server was stopped");
    }
  }
}

// `tell` writes the phases on the way.
Result<Restore> run_to_end(RestoreRun& run,
                           const std::function<void(const Restore&)>& tell,
                           std::stop_token stop) {
  restore::RestoreOutcome outcome = TRY(carry_out(run, stop));
  Restore done = run.restore;
  fill_status(done, outcome);
  run.run_log.log().info("restore completed");
  TRY(wait_for_operations(run, outcome, done, tell, stop));
  done.status.phase = phase_of(done, RestorePhase::Finalizing);
  upload(run, outcome);
  tell(done);
  TRY(restore::finalize_restore(run.restore, outcome, run.tools, run.options, stop));
  fill_status(done, outcome);
  upload(run, outcome);
  done.status.phase = phase_of(done, RestorePhase::Completed);
  done.status.completion_timestamp = run.context.clock.now();
  return done;
}

Restore failed(Restore restore, const Error& error, const Log& log, const ServerContext& context) {
  log.error("restore failed", {{"error", error}});
  restore.status.phase = RestorePhase::Failed;
  restore.status.failure_reason = error.message();
  restore.status.completion_timestamp = context.clock.now();
  return restore;
}

Result<std::unique_ptr<objects::BackupStore>> store_of(const Restore& restore,
                                                       const ServerContext& context,
                                                       std::stop_token stop) {
  const auto backup = TRY(context.cluster.get<Backup>(restore.spec.backup_name, stop));
  return open_available_store(context, backup.spec.storage_location, Access::Read, stop);
}

}  // namespace

Result<Restore> prepare_restore(const Restore& before,
                                const ServerContext& context,
                                std::stop_token stop) {
  Restore restore = before;
  // What people wrote is checked before the server adds its own: their including a node is an
  // error.
  model::StringList& errors = restore.status.validation_errors;
  errors = model::validate(restore.spec);
  model::add_non_restorable_resources(restore.spec);
  if (restore.spec.item_operation_timeout == Duration::zero()) {
    restore.spec.item_operation_timeout = context.config.default_item_operation_timeout;
  }
  if (errors.empty() && restore.spec.backup_name.empty()) {
    auto newest = newest_of_schedule(restore.spec.schedule_name, context, stop);
    if (newest) {
      restore.spec.backup_name = std::move(*newest);
    } else {
      errors.push_back(newest.error().message());
    }
  }
  if (errors.empty()) check_backup(restore, context, stop);
  if (auto modifiers = read_modifiers(restore, context, stop); !modifiers) {
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

Result<Restore> run_restore_to_end(const Restore& restore,
                                   const ServerContext& context,
                                   const std::function<void(const Restore&)>& finalizing,
                                   std::stop_token stop) {
  const Log log = context.log.with(LogField("restore", key_of(restore)));
  auto created = RunLog::create(log, context.config.log_format);
  if (!created) return failed(restore, created.error(), log, context);
  RunLog run_log = std::move(*created);
  run_log.log().info("starting restore");
  ProgressWriter progress(context, restore);
  auto store = store_of(restore, context, stop);
  std::unique_ptr<plugins::Host> host;
  std::optional<restore::RestorePlugins> plugins;
  if (context.plugins != nullptr) {
    host = context.plugins->host(run_log.log());
    plugins.emplace(context.plugins->registry(), *host, restore);
  }
  Result<Restore> done = Error(Code::Internal, "the restore has not run");
  if (store) {
    RestoreRun run{
        .restore = restore,
        .context = context,
        .run_log = run_log,
        .store = **store,
        .tools = {.client = context.client(),
                  .clock = context.clock,
                  .log = run_log.log(),
                  .velero_namespace = context.cluster.ns(),
                  .plugins = plugins ? &*plugins : nullptr},
        .options = {.workers = context.config.item_workers > 0 ? context.config.item_workers
                                                               : 4 * hardware_threads(),
                    .resource_timeout = context.config.resource_timeout,
                    .terminating_resource_timeout = context.config.terminating_resource_timeout,
                    .progress = [&progress](std::int64_t n, std::int64_t total) {
                      progress.tell(n, total);
                    }}};
    done = run_to_end(run, finalizing, stop);
  } else {
    done = std::move(store).error();
  }
  if (done) return done;
  if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
  return failed(restore, done.error(), run_log.log(), context);
}

}  // namespace lateen::server
