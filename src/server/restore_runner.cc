#include "server/restore_runner.h"

#include <algorithm>
#include <optional>

#include "base/thread.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "model/named_object.h"
#include "model/phases.h"
#include "restore/data_downloads.h"
#include "restore/plan.h"
#include "restore/plugin_actions.h"
#include "restore/run.h"
#include "server/cancel_watch.h"
#include "server/progress.h"
#include "server/restore_inputs.h"
#include "server/restore_pending.h"
#include "server/restore_preparation.h"
#include "server/restore_volumes.h"
#include "server/run_log.h"
#include "server/server_plugins.h"
#include "server/stored_archive.h"
#include "server/traces.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::Restore;
using model::RestorePhase;

constexpr ByteCount kMaxEarlierLog = 256_MiB;

// Everything that one run holds on to, in the order in which it is needed.
struct RestoreRun {
  const RestoreJob& job;
  RunLog& run_log;
  objects::BackupStore& store;
  restore::RestoreTools tools;
  restore::RestoreRunOptions options = {};
  restore::RestoreOutcome outcome = {};

  const Restore& restore() const { return job.restore; }

  const std::string& name() const { return job.restore.metadata.name; }
};

// What was asked for by its name and is not in the backup is an error, not silence.
void note_missing_objects(RestoreRun& run,
                          const archive::ArchiveReader& archive,
                          const kube::Discovery& discovery) {
  for (const std::string& text : run.restore().spec.included_objects) {
    auto object = model::NamedObject::parse(text);
    if (!object) continue;  // the validation has said so
    object->resource = discovery.resolve_name(object->resource);
    const auto items = archive.items();
    const bool is_there = std::any_of(items.begin(), items.end(), [&object](const auto& item) {
      return object->means(item.key.group_resource, item.key.ns, item.key.name);
    });
    if (is_there) continue;
    const std::string error =
        fmt::format("{} is not in backup {}", text, run.restore().spec.backup_name);
    run.run_log.log().error(error);
    run.outcome.results.errors.add_velero(error);
  }
}

Status carry_out(RestoreRun& run, std::stop_token stop) {
  const ServerContext& context = run.job.context;
  const std::string& backup = run.restore().spec.backup_name;
  const bool is_of_few = !run.restore().spec.included_objects.empty();
  const StoredArchive stored = TRY(is_of_few ? open_archive_for_few(run.store, backup, stop)
                                             : open_stored_archive(run.store, backup, stop));
  if (stored.reader.index_problem()) {
    run.run_log.log().info("The index of the tarball is not used",
                           {{"reason", stored.reader.index_problem()->message()}});
  }
  run.options.volumes = TRY(volume_infos_of(run.store, backup, stop));
  auto native = run.store.get_volume_snapshots(backup, stop);
  if (!native && !native.error().is(Code::NotFound)) return std::move(native).error();
  if (native) run.options.native_snapshots = std::move(*native);
  volumes::SnapshotLocations locations = snapshot_locations(context, run.run_log.log());
  run.options.snapshot_locations = &locations;
  run.options.modifiers = TRY(read_modifiers(run.restore(), context.client(), stop));
  const kube::Discovery discovery = TRY(kube::discover(context.client(), stop));
  const restore::RestorePlan plan =
      restore::plan_restore(run.restore().spec, stored.reader.items(), discovery,
                            run.options.priorities, TRY(version_preferences(context, stop)));
  const Backup record = TRY(context.cluster.get<Backup>(backup, stop));
  const VolumeExtensions extensions =
      TRY(make_volume_extensions(run.restore(), record.spec.storage_location, run.store,
                                 stored.reader, context, run.run_log.log(), stop));
  run.tools.extensions = extensions.all();
  auto outcome =
      restore::run_restore(run.restore(), plan, stored.reader, run.tools, run.options, stop);
  run.tools.extensions.clear();
  run.options.snapshot_locations = nullptr;
  run.outcome = TRY(std::move(outcome));
  note_missing_objects(run, stored.reader, discovery);
  if (run.outcome.cut_short) return *run.outcome.cut_short;
  return {};
}

// What went wrong with the uploads is in the server's log: the restore itself has happened.
void note_upload(const RestoreRun& run, const Status& done, std::string_view what) {
  if (done) return;
  run.job.context.log.error("Could not upload a document of the restore",
                            {{"restore", run.name()}, {"document", what}, {"error", done.error()}});
}

void upload(RestoreRun& run) {
  const std::string& name = run.name();
  const restore::RestoreOutcome& outcome = run.outcome;
  note_upload(run, run.store.put_restore_results(name, outcome.results), "results");
  const auto log = run.run_log.finish();
  note_upload(run, log ? run.store.put_restore_log(name, *log) : Status(log.error()), "log");
  note_upload(run, run.store.put_restore_resource_list(name, outcome.resource_list),
              "resource list");
  note_upload(run, run.store.put_restore_item_operations(name, outcome.operations),
              "item operations");
  note_upload(run, run.store.put_restore_volume_infos(name, outcome.volumes), "volume infos");
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

// Asks for the operations that were started, by plugins and for moved data, until they are over.
Status wait_for_operations(RestoreRun& run, Restore& done, std::stop_token stop) {
  std::vector<model::RestoreOperation>& operations = run.outcome.operations;
  if (operations.empty()) return {};
  const ServerContext& context = run.job.context;
  const Duration timeout = run.restore().spec.item_operation_timeout;
  while (true) {
    const auto before = operations;
    std::vector<std::string> errors = restore::poll_downloads(
        operations, run.restore().metadata.ns, timeout, context.client(), context.clock, stop);
    const restore::RestoreOperationsProgress progress =
        restore::poll_operations(operations, context.clock.now(), timeout, run.tools.plugins, stop);
    errors.insert(errors.end(), progress.new_errors.begin(), progress.new_errors.end());
    for (const std::string& error : errors) {
      run.run_log.log().error("An operation of the restore has failed", {{"error", error}});
      run.outcome.results.errors.add_velero(error);
    }
    if (operations != before) {
      note_upload(run, run.store.put_restore_item_operations(run.name(), operations),
                  "item operations");
    }
    const model::RestoreStatus status = done.status;
    fill_status(done, run.outcome);
    done.status.restore_item_operations_completed = progress.completed;
    done.status.restore_item_operations_failed = progress.failed;
    if (!progress.running) return {};
    done.status.phase = phase_of(done, RestorePhase::WaitingForPluginOperations);
    if (done.status != status) run.job.tell(done);
    if (!sleep_unless_stopped(context.config.item_operation_sync_frequency, stop)) {
      return Error(Code::Canceled, "the server was stopped");
    }
  }
}

// From the last object to the end. All that a next server must know is in the bucket before each
// wait.
Result<Restore> complete(RestoreRun& run, std::stop_token stop) {
  Restore done = run.restore();
  fill_status(done, run.outcome);
  run.options.checkpoint = [&run](const restore::RestoreOutcome& outcome) {
    return run.store.put_restore_pending(run.name(), write_restore_pending(outcome));
  };
  const bool has_pending =
      !run.outcome.hooked_pods.empty() || !run.outcome.provisioned_claims.empty();
  if (has_pending) note_upload(run, run.options.checkpoint(run.outcome), "pending work");
  upload(run);
  {
    const Span span = run.tools.trace.span("wait for operations");
    TRY(wait_for_operations(run, done, stop));
  }
  done.status.phase = phase_of(done, RestorePhase::Finalizing);
  if (!run.outcome.operations.empty()) upload(run);
  run.job.tell(done);
  {
    Span span = run.tools.trace.span("finalize");
    const Status finalized =
        restore::finalize_restore(run.restore(), run.outcome, run.tools, run.options, stop);
    span.note(finalized);
    TRY(finalized);
  }
  fill_status(done, run.outcome);
  run.run_log.log().info("restore completed");
  upload(run);
  if (has_pending) {
    note_upload(run, run.store.remove_restore_pending(run.name()), "pending work");
  }
  done.status.phase = phase_of(done, RestorePhase::Completed);
  done.status.completion_timestamp = run.job.context.clock.now();
  return done;
}

// A document of an earlier server's; none when it was not written.
template <typename T>
Status take_up(T& into, Result<T> document) {
  if (document) {
    into = std::move(*document);
  } else if (!document.error().is(Code::NotFound)) {
    return std::move(document).error();
  }
  return {};
}

// What the server that was interrupted has left in the bucket.
Status take_up(RestoreRun& run, std::stop_token stop) {
  restore::RestoreOutcome& outcome = run.outcome;
  objects::BackupStore& store = run.store;
  TRY(take_up(outcome.results, store.get_restore_results(run.name(), stop)));
  TRY(take_up(outcome.resource_list, store.get_restore_resource_list(run.name(), stop)));
  TRY(take_up(outcome.operations, store.get_restore_item_operations(run.name(), stop)));
  TRY(take_up(outcome.volumes, store.get_restore_volume_infos(run.name(), stop)));
  if (run.restore().status.progress) outcome.items = run.restore().status.progress->items_restored;
  Bytes pending;
  TRY(take_up(pending, store.get_restore_pending(run.name(), stop)));
  return pending.empty() ? Status() : read_restore_pending(pending, outcome);
}

Result<Restore> run_to_end(RestoreRun& run, std::stop_token stop) {
  if (can_go_on(run.restore().status.phase.value())) {
    TRY(take_up(run, stop));
    run.run_log.log().info("going on with an interrupted restore");
  } else {
    run.run_log.log().info("starting restore");
    Span span = run.tools.trace.span("restore objects");
    const Trace above = std::exchange(run.tools.trace, span.trace());
    const Status done = carry_out(run, stop);
    run.tools.trace = above;
    span.note(done);
    TRY(done);
  }
  return complete(run, stop);
}

Restore failed(Restore restore, const Error& error, const Log& log, const ServerContext& context) {
  log.error("restore failed", {{"error", error}});
  restore.status.phase = RestorePhase::Failed;
  restore.status.failure_reason = error.message();
  restore.status.completion_timestamp = context.clock.now();
  return restore;
}

// The end of one that was given up. What was restored until then stays, and is listed.
Restore give_up(RestoreRun& run, const Error& why) {
  Restore done = failed(run.restore(), why, run.run_log.log(), run.job.context);
  restore::cancel_downloads(run.restore(), run.job.context.client(), run.run_log.log());
  fill_status(done, run.outcome);
  upload(run);
  note_upload(run, run.store.remove_restore_pending(run.name()), "pending work");
  return done;
}

Result<std::unique_ptr<objects::BackupStore>> store_of(const RestoreJob& job,
                                                       std::stop_token stop) {
  const auto backup = TRY(job.context.cluster.get<Backup>(job.restore.spec.backup_name, stop));
  return open_available_store(job.context, backup.spec.storage_location, Access::Read, stop);
}

restore::RestoreRunOptions options_of(const ServerConfig& config, ProgressWriter& progress) {
  return {.workers = config.item_workers > 0 ? config.item_workers : 4 * hardware_threads(),
          .resource_timeout = config.resource_timeout,
          .terminating_resource_timeout = config.terminating_resource_timeout,
          .priorities = priorities_of(config),
          .progress = [&progress](std::int64_t n, std::int64_t total) { progress.tell(n, total); }};
}

// Without its bucket a restore cannot begin; one that had begun waits for it, unless it is gone.
Result<Restore> without_bucket(const RestoreJob& job, const Error& error, const Log& log) {
  const bool has_begun = can_go_on(job.restore.status.phase.value());
  if (has_begun && !error.is(Code::NotFound)) return error;
  Restore done = failed(job.restore, error, log, job.context);
  if (has_begun) done.status.phase = RestorePhase::PartiallyFailed;
  return done;
}

}  // namespace

bool can_go_on(RestorePhase phase) {
  return phase == RestorePhase::WaitingForPluginOperations ||
         phase == RestorePhase::WaitingForPluginOperationsPartiallyFailed ||
         phase == RestorePhase::Finalizing || phase == RestorePhase::FinalizingPartiallyFailed;
}

Result<Restore> run_restore_to_end(const RestoreJob& job, std::stop_token stop) {
  const ServerContext& context = job.context;
  const model::ObjectMeta& metadata = job.restore.metadata;
  const Log log = with_trace(
      context.log.with(LogField("restore", fmt::format("{}/{}", metadata.ns, metadata.name))),
      trace_of(context, metadata));
  const auto store = store_of(job, stop);
  if (!store) {
    if (stop.stop_requested()) return store.error();
    return without_bucket(job, store.error(), log);
  }
  Bytes earlier;
  if (can_go_on(job.restore.status.phase.value())) {
    TRY(take_up(earlier, (*store)->objects().get((*store)->layout().restore_log(metadata.name),
                                                 kMaxEarlierLog, stop)));
  }
  auto run_log = RunLog::create(log, context.config.log_format, earlier);
  if (!run_log) return failed(job.restore, run_log.error(), log, context);
  ProgressWriter progress(context, job.restore);
  std::unique_ptr<plugins::Host> host;
  std::optional<restore::RestorePlugins> plugins;
  if (context.plugins != nullptr) {
    host = context.plugins->host(run_log->log());
    plugins.emplace(context.plugins->registry(), *host, job.restore);
  }
  RestoreRun run{.job = job,
                 .run_log = *run_log,
                 .store = **store,
                 .tools = {.client = context.client(),
                           .clock = context.clock,
                           .log = run_log->log(),
                           .velero_namespace = context.cluster.ns(),
                           .plugins = plugins ? &*plugins : nullptr,
                           .trace = trace_of(context, metadata)},
                 .options = options_of(context.config, progress)};
  const CancelWatch watch(context, context.cluster.path<Restore>(metadata.name), metadata.uid,
                          stop);
  auto done = run_to_end(run, watch.token());
  if (done) return done;
  if (watch.is_canceled()) {
    return give_up(run,
                   Error(Code::Canceled, "{}; what was restored until then stays", watch.reason()));
  }
  if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
  return give_up(run, done.error());
}

}  // namespace lateen::server
