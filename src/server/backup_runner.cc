#include "server/backup_runner.h"

#include <algorithm>

#include "archive/archive_index.h"
#include "archive/archive_writer.h"
#include "assurance/backup_coverage.h"
#include "backup/operations.h"
#include "backup/plan.h"
#include "backup/plugin_actions.h"
#include "backup/pod_volume_action.h"
#include "backup/run.h"
#include "base/temp.h"
#include "base/thread.h"
#include "kube/discovery.h"
#include "model/phases.h"
#include "server/backup_signer.h"
#include "server/browse_layout.h"
#include "server/cancel_watch.h"
#include "server/leftovers.h"
#include "server/policy.h"
#include "server/progress.h"
#include "server/run_log.h"
#include "server/server_plugins.h"
#include "server/stored_archive.h"
#include "server/traces.h"

namespace lateen::server {
namespace {

using model::BackupPhase;
using model::OpenEnum;

std::string key_of(const model::Backup& backup) {
  return fmt::format("{}/{}", backup.metadata.ns, backup.metadata.name);
}

std::size_t workers(const ServerContext& context) {
  return context.config.item_workers > 0 ? context.config.item_workers : 2 * hardware_threads();
}

model::Backup failed(model::Backup backup, const Error& error, const ServerContext& context) {
  backup.status.phase = BackupPhase::Failed;
  backup.status.failure_reason = error.message();
  backup.status.completion_timestamp = context.clock.now();
  return backup;
}

BackupPhase phase_after_upload(const RunLog& run_log,
                               const std::vector<model::BackupOperation>& operations) {
  const bool waiting = std::any_of(operations.begin(), operations.end(), [](const auto& operation) {
    return !model::is_terminal(operation.status.phase.value());
  });
  const BackupPhase phase =
      waiting ? BackupPhase::WaitingForPluginOperations : BackupPhase::Finalizing;
  return run_log.errors() > 0 ? model::partially_failed(phase) : phase;
}

// The plugins that one run works with; their programs end with it.
class RunPlugins {
 public:
  RunPlugins(const ServerContext& context, const model::Backup& backup, const Log& log) {
    if (context.plugins == nullptr) return;
    host_ = context.plugins->host(log);
    plugins_.emplace(context.plugins->registry(), *host_, backup);
  }

  const backup::BackupPlugins* get() const { return plugins_ ? &*plugins_ : nullptr; }

 private:
  std::unique_ptr<plugins::Host> host_;
  std::optional<backup::BackupPlugins> plugins_;
};

backup::Versions versions_of(const ServerConfig& config) {
  const bool all = std::find(config.features.begin(), config.features.end(),
                             "EnableAPIGroupVersions") != config.features.end();
  return all ? backup::Versions::All : backup::Versions::Preferred;
}

// What a backup's documents are made of.
struct Collected {
  objects::BackupDocuments documents;
  TempFile index;  // documents.archive_index_fd
};

// Collects everything into `upload`; fills what the documents need.
Result<Collected> collect_backup(const model::Backup& backup,
                                 const ServerContext& context,
                                 RunLog& run_log,
                                 SnapshotJournal& journal,
                                 objects::Upload& upload,
                                 std::stop_token stop) {
  const kube::Discovery discovery = TRY(kube::discover(context.client(), stop));
  const Trace trace = trace_of(context, backup.metadata);
  const Span span = trace.span("collect and upload");
  const RunPlugins plugins(context, backup, run_log.log());
  const backup::BackupTools tools{.client = context.client(),
                                  .discovery = discovery,
                                  .clock = context.clock,
                                  .log = run_log.log(),
                                  .plugins = plugins.get(),
                                  .trace = span.trace()};
  ProgressWriter progress(context, backup);
  const std::optional<model::ResourcePolicy> policy =
      TRY(read_policy(backup, context.cluster, stop));
  volumes::SnapshotLocations locations = snapshot_locations(context, run_log.log());
  const auto pod_volumes =
      backup::make_pod_volume_copier({.client = context.client(),
                                      .backup = backup,
                                      .clock = context.clock,
                                      .uploader_type = context.config.uploader_type,
                                      .timeout = context.config.fs_backup_timeout,
                                      .repository_timeout = context.config.resource_timeout});
  assurance::ObjectWitness witness;
  const backup::BackupRunOptions options{
      .page_size = context.config.client_page_size,
      .workers = workers(context),
      .policy = policy,
      .snapshot_locations = &locations,
      .record_native_snapshots = [&journal,
                                  stop](const auto& all) { return journal.note(all, stop); },
      .pod_volumes = pod_volumes.get(),
      .witness = &witness,
      .progress = [&progress](std::int64_t done,
                              std::int64_t total) { progress.tell(done, total); }};
  const auto namespaces = TRY(backup::read_namespaces(context.client(), stop));
  const backup::BackupPlan plan =
      backup::plan_backup(policy && policy->include_exclude()
                              ? backup::with_policy(backup.spec, *policy->include_exclude())
                              : backup.spec,
                          discovery, namespaces, versions_of(context.config));

  TempFile index = TRY(TempFile::create());
  FdSink index_sink(index.fd());
  archive::ArchiveWriter writer(upload, &index_sink, context.clock,
                                {.backup = backup.metadata.name});
  backup::BackupOutcome outcome =
      TRY(backup::run_backup(backup, plan, tools, options, writer, stop));
  TRY(writer.finish(stop));
  const backup::OperationsProgress polled =
      backup::poll_operations(outcome.operations, backup.spec.item_operation_timeout, tools, stop);
  for (const std::string& error : polled.new_errors)
    tools.log.error(error);
  {
    Span end = span.trace().span("complete the upload");
    const Status completed = upload.complete();
    end.note(completed);
    TRY(completed);
  }
  trace_volumes(trace, outcome.volumes);

  objects::BackupDocuments documents;
  documents.backup = backup;
  documents.item_operations = std::move(outcome.operations);
  documents.names = std::move(outcome.names);
  documents.coverage =
      write_json(assurance::to_json(assurance::coverage_of({.backup = backup.metadata.name,
                                                            .plan = plan,
                                                            .namespaces = namespaces,
                                                            .volumes = outcome.volumes,
                                                            .witness = witness})));
  documents.volume_infos = std::move(outcome.volumes);
  documents.volume_snapshots = std::move(outcome.native_snapshots);
  documents.pod_volume_backups = std::move(outcome.pod_volume_backups);
  documents.archive_index_fd = index.fd();
  model::BackupStatus& status = documents.backup.status;
  model::BackupProgress counted;
  counted.total_items = outcome.items;
  counted.items_backed_up = outcome.items;
  status.progress = counted;
  status.hook_status = outcome.hooks;
  status.csi_volume_snapshots_attempted = outcome.csi_snapshots_attempted;
  status.volume_snapshots_attempted = std::ssize(documents.volume_snapshots);
  status.volume_snapshots_completed =
      std::count_if(documents.volume_snapshots.begin(), documents.volume_snapshots.end(),
                    [](const model::NativeSnapshot& one) {
                      return one.status.phase == model::OperationPhase::Completed;
                    });
  status.backup_item_operations_attempted =
      static_cast<std::int64_t>(documents.item_operations.size());
  status.backup_item_operations_completed = polled.completed;
  status.backup_item_operations_failed = polled.failed;
  return Collected{.documents = std::move(documents), .index = std::move(index)};
}

// Everything from the first object to velero-backup.json; after an error part of it is in the
// bucket.
Result<model::Backup> collect_and_upload(const model::Backup& backup,
                                         const ServerContext& context,
                                         RunLog& run_log,
                                         objects::BackupStore& store,
                                         SnapshotJournal& journal,
                                         std::stop_token stop) {
  auto upload = TRY(store.begin_contents(backup.metadata.name, stop));
  Collected collected = TRY(collect_backup(backup, context, run_log, journal, *upload, stop));
  objects::BackupDocuments& documents = collected.documents;
  model::BackupStatus& status = documents.backup.status;
  status.warnings = static_cast<std::int64_t>(run_log.warnings());
  status.errors = static_cast<std::int64_t>(run_log.errors());
  status.phase = phase_after_upload(run_log, documents.item_operations);
  run_log.log().info("Backup completed", {{"progress", status.progress->items_backed_up}});
  documents.results = run_log.results();
  documents.log_fd = TRY(run_log.finish());
  Status log_problem;
  {
    Span span = trace_of(context, backup.metadata).span("store the documents");
    const Status put = store.put_backup(documents, &log_problem, stop);
    span.note(put);
    TRY(put);
  }
  if (!log_problem)
    context.log.error("Could not upload the backup's log", {{"error", log_problem.error()}});
  return std::move(documents.backup);
}

// A backup that is lost leaves nothing behind, neither in the bucket nor of its snapshots.
void remove_lost(const model::Backup& backup,
                 const ServerContext& context,
                 const Log& log,
                 objects::BackupStore& store,
                 const SnapshotJournal& journal) {
  const Status removed = store.remove_unfinished(backup.metadata.name, {});
  if (!removed) {
    log.warning("Could not remove what was uploaded", {{"error", removed.error()}});
    // It may be whole after all, and would then be nothing without its snapshots.
    return;
  }
  model::StringList errors = discard_snapshots(backup, context, {});
  for (const std::string& error : delete_native_snapshots(journal.all(), context, log, {}))
    errors.push_back(error);
  for (const std::string& error : errors)
    log.warning("A snapshot of a lost backup stays in the storage", {{"error", error}});
}

// The bucket for a new backup of this name: free of what a former try has left.
Result<std::unique_ptr<objects::BackupStore>> open_for_new(const model::Backup& backup,
                                                           const ServerContext& context,
                                                           const Log& log,
                                                           std::stop_token stop) {
  auto store =
      TRY(open_available_store(context, backup.spec.storage_location, Access::Write, stop));
  if (TRY(store->backup_exists(backup.metadata.name, stop))) {
    return Error(Code::AlreadyExists, "backup already exists in object storage");
  }
  TRY(remove_unfinished(backup.metadata.name, *store, context, log, stop));
  return store;
}

Result<model::Backup> run_and_upload(const model::Backup& backup,
                                     const ServerContext& context,
                                     RunLog& run_log,
                                     objects::BackupStore& store,
                                     std::stop_token stop) {
  SnapshotJournal journal(store, backup.metadata.name);
  const CancelWatch cancel(context, context.cluster.path<model::Backup>(backup.metadata.name),
                           backup.metadata.uid, stop);
  auto done = collect_and_upload(backup, context, run_log, store, journal, cancel.token());
  // When the server is stopping, the next start cleans up.
  if (done || stop.stop_requested()) return done;
  remove_lost(backup, context, run_log.log(), store, journal);
  if (cancel.is_canceled()) return Error(Code::Canceled, "{}", cancel.reason());
  return done;
}

// All that is kept of a backup that came to nothing.
void store_failed_log(const model::Backup& backup, RunLog& run_log, objects::BackupStore& store) {
  const Status stored = [&]() -> Status {
    return store.put_backup_log(backup.metadata.name, TRY(run_log.finish()));
  }();
  if (!stored) {
    run_log.log().warning("Could not upload the log of a failed backup",
                          {{"error", stored.error()}});
  }
}

Status rewrite_contents(const model::Backup& backup,
                        const std::vector<model::BackupOperation>& operations,
                        std::vector<model::BackupVolumeInfo>& volumes,
                        objects::BackupStore& store,
                        const backup::BackupTools& tools,
                        std::stop_token stop) {
  const StoredArchive stored = TRY(open_stored_archive(store, backup.metadata.name, stop));
  auto upload = TRY(store.begin_contents(backup.metadata.name, stop));
  TempFile index = TRY(TempFile::create());
  FdSink index_sink(index.fd());
  archive::ArchiveWriter after(*upload, &index_sink, tools.clock, {.backup = backup.metadata.name});
  TRY(backup::finalize_backup(backup, operations, volumes, tools, stored.reader, after, stop));
  TRY(after.finish(stop));
  TRY(upload->complete());
  // Between the two uploads the old index is of another tarball, and readers see that by its size
  // and digest.
  return store.put_archive_index(backup.metadata.name, index.fd(), stop);
}

// What people look at with other tools, where it is asked for. The backup is whole without it.
void store_for_browsing(model::Backup& backup,
                        const ServerContext& context,
                        objects::BackupStore& store,
                        const Log& log,
                        std::stop_token stop) {
  const auto location =
      context.cluster.get<model::BackupStorageLocation>(backup.spec.storage_location, stop);
  if (!location || !wants_browse_layout(backup, *location)) return;
  const Status stored = put_browse_layout(backup, store, stop);
  if (stored || stop.stop_requested()) return;
  log.warning("Could not store the backup's objects for browsing", {{"error", stored.error()}});
  ++backup.status.warnings;
}

}  // namespace

Result<model::Backup> run_backup_to_upload(const model::Backup& backup,
                                           const ServerContext& context,
                                           std::stop_token stop) {
  const Log log = with_trace(context.log.with(LogField("backup", key_of(backup))),
                             trace_of(context, backup.metadata));
  auto done = [&]() -> Result<model::Backup> {
    RunLog run_log = TRY(RunLog::create(log, context.config.log_format));
    run_log.log().info("Starting backup");
    const auto store = open_for_new(backup, context, run_log.log(), stop);
    auto ran = store ? run_and_upload(backup, context, run_log, **store, stop)
                     : Result<model::Backup>(store.error());
    if (ran || stop.stop_requested()) return ran;
    run_log.log().error("backup failed", {{"error", ran.error()}});
    if (store) store_failed_log(backup, run_log, **store);
    return ran;
  }();
  if (done) return done;
  if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
  return failed(backup, done.error(), context);
}

Result<model::Backup> poll_backup(const model::Backup& before,
                                  const ServerContext& context,
                                  std::stop_token stop) {
  model::Backup backup = before;
  const Log log = context.log.with(LogField("backup", key_of(backup)));
  auto store = TRY(open_store(context, backup.spec.storage_location, stop));
  auto operations = TRY(store->get_item_operations(backup.metadata.name, stop));
  const kube::Discovery discovery = TRY(kube::discover(context.client(), stop));
  const RunPlugins plugins(context, backup, log);
  const backup::BackupTools tools{.client = context.client(),
                                  .discovery = discovery,
                                  .clock = context.clock,
                                  .log = log,
                                  .plugins = plugins.get()};
  const std::string canceled = why_canceled(model::to_json(backup), backup.metadata.uid);
  const backup::OperationsProgress progress =
      canceled.empty()
          ? backup::poll_operations(operations, backup.spec.item_operation_timeout, tools, stop)
          : backup::cancel_operations(operations, canceled, tools, stop);
  if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
  for (const std::string& error : progress.new_errors)
    log.error(error);
  model::BackupStatus& status = backup.status;
  status.backup_item_operations_completed = progress.completed;
  status.backup_item_operations_failed = progress.failed;
  status.errors += static_cast<std::int64_t>(progress.new_errors.size());
  BackupPhase phase =
      progress.running ? BackupPhase::WaitingForPluginOperations : BackupPhase::Finalizing;
  if (status.errors > 0) phase = model::partially_failed(phase);
  status.phase = phase;
  if (!progress.changed && backup == before) return backup;
  TRY(store->put_item_operations(backup.metadata.name, operations, stop));
  if (backup != before) TRY(store->put_metadata(backup, stop));
  return backup;
}

Result<model::Backup> finalize_backup(const model::Backup& before,
                                      const ServerContext& context,
                                      std::stop_token stop) {
  model::Backup backup = before;
  const std::string& name = backup.metadata.name;
  const Log log = context.log.with(LogField("backup", key_of(backup)));
  auto store = TRY(open_store(context, backup.spec.storage_location, stop));
  const auto operations = TRY(store->get_item_operations(name, stop));
  const kube::Discovery discovery = TRY(kube::discover(context.client(), stop));
  const RunPlugins plugins(context, backup, log);
  const backup::BackupTools tools{.client = context.client(),
                                  .discovery = discovery,
                                  .clock = context.clock,
                                  .log = log,
                                  .plugins = plugins.get()};
  if (backup::needs_new_contents(operations)) {
    auto volumes = TRY(store->get_volume_infos(name, stop));
    TRY(rewrite_contents(backup, operations, volumes, *store, tools, stop));
    TRY(store->put_volume_infos(name, volumes, stop));
    const std::int64_t stuck = TRY(backup::release_snapshots(operations, tools, stop));
    backup.status.errors += stuck;
    if (stuck > 0) backup.status.phase = BackupPhase::FinalizingPartiallyFailed;
  }
  backup.status.csi_volume_snapshots_completed =
      std::count_if(operations.begin(), operations.end(), [](const model::BackupOperation& one) {
        return one.spec.resource_identifier.resource == "volumesnapshots" &&
               one.status.phase == model::OperationPhase::Completed;
      });
  backup.status.phase = backup.status.phase == BackupPhase::FinalizingPartiallyFailed
                            ? BackupPhase::PartiallyFailed
                            : BackupPhase::Completed;
  store_for_browsing(backup, context, *store, log, stop);
  if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
  backup.status.completion_timestamp = context.clock.now();
  // Before the last velero-backup.json, whose digest it holds: what is seen to be complete is
  // signed.
  const Status is_signed = sign_backup(backup, context, *store, stop);
  if (!is_signed && !stop.stop_requested())
    log.warning("Could not sign the backup", {{"error", is_signed.error()}});
  TRY(store->put_metadata(backup, stop));
  return backup;
}

}  // namespace lateen::server
