#include "server/backup_controllers.h"

#include <algorithm>

#include "backup/run.h"
#include "model/backup.h"
#include "model/phases.h"
#include "server/backup_preparation.h"
#include "server/backup_queue.h"
#include "server/backup_runner.h"
#include "server/backup_surroundings.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/traces.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;

// The Backups in the cluster, oldest first; none when they cannot be listed, which is logged.
std::vector<Backup> list_backups(const ServerContext& context, std::stop_token stop) {
  std::vector<Backup> backups = list_all<Backup>(context, stop).value_or(std::vector<Backup>());
  sort_by_age(backups);
  return backups;
}

// Writes what became of a Backup that was in `from`. If it has left that phase meanwhile, as when
// it is being deleted, that stands. Tries for long: a phase that is not written down would keep
// those behind it waiting.
void write_status(const ServerContext& context,
                  model::OpenEnum<BackupPhase> from,
                  const Backup& done,
                  std::stop_token stop) {
  const Deadline deadline = Deadline::after(context.config.resource_timeout);
  std::chrono::seconds pause{1};
  while (true) {
    const auto written = context.cluster.modify<Backup>(
        done.metadata.name,
        [&](Backup& now) {
          const bool same = now.metadata.uid == done.metadata.uid && now.status.phase == from;
          if (same) now.status = done.status;
        },
        stop);
    if (written || written.error().is(Code::NotFound) || stop.stop_requested()) return;
    context.log.error("Could not write a Backup's status",
                      {{"backup", done.metadata.name}, {"error", written.error()}});
    if (deadline.expired() || !sleep_unless_stopped(pause, stop)) return;
    pause = std::min(pause * 2, std::chrono::seconds(30));
  }
}

class QueueController final : public Controller {
 public:
  explicit QueueController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-queue"; }

  // What could not be written is tried again soon: nothing else would wake it.
  Duration period() const override {
    return failed_ ? Duration(std::chrono::seconds(1)) : Duration(std::chrono::minutes(1));
  }

  void reconcile(std::stop_token stop) override {
    const std::vector<Backup> backups = list_backups(context_, stop);
    std::vector<backup::NamespaceFacts> namespaces;
    if (context_.config.concurrent_backups > 1) {
      auto present = backup::read_namespaces(context_.client(), stop);
      failed_ = !present;
      if (!present) {
        if (!stop.stop_requested()) {
          context_.log.error("Could not list the namespaces", {{"error", present.error()}});
        }
        return;
      }
      namespaces = std::move(*present);
    }
    failed_ = false;
    for (const QueueMove& move :
         plan_queue(backups, namespaces, context_.config.concurrent_backups)) {
      auto written = context_.cluster.update(move.before, move.after, stop);
      failed_ = failed_ || !written;
      if (!written && !was_overtaken(written.error())) {
        context_.log.error("Could not queue a Backup",
                           {{"backup", move.before.metadata.name}, {"error", written.error()}});
      }
    }
  }

 private:
  const ServerContext context_;
  bool failed_ = false;
};

class BackupController final : public Controller {
 public:
  explicit BackupController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup"; }

  // What could not be begun is tried again soon: nothing else would wake it.
  Duration period() const override {
    return failed_ ? Duration(std::chrono::seconds(5)) : Duration(std::chrono::minutes(1));
  }

  void reconcile(std::stop_token stop) override {
    failed_ = false;
    for (const Backup& backup : list_backups(context_, stop)) {
      if (backup.status.phase != BackupPhase::ReadyToStart) continue;
      const Status done = process(backup, stop);
      if (!done && !stop.stop_requested() && !was_overtaken(done.error())) {
        failed_ = true;
        context_.log.error("Could not process a Backup",
                           {{"backup", backup.metadata.name}, {"error", done.error()}});
      }
      if (stop.stop_requested()) return;
    }
  }

 private:
  Status process(const Backup& backup, std::stop_token stop) {
    const BackupSurroundings around = TRY(read_surroundings(backup, context_.cluster, stop));
    const Backup prepared = prepare_backup(backup, around, context_.config, context_.clock.now());
    const Backup started = TRY(context_.cluster.update(backup, prepared, stop));
    if (started.status.phase != BackupPhase::InProgress) {
      context_.log.warning("Backup failed validation", {{"backup", backup.metadata.name}});
      context_.metrics.backup_failed_validation(started);
      return {};
    }
    context_.metrics.backup_started(started);
    const Backup done = TRY(run_backup_to_upload(started, context_, stop));
    write_status(context_, started.status.phase, done, stop);
    if (done.status.phase == BackupPhase::Failed) {
      context_.metrics.backup_ended(done, 0);
      trace_ended(context_, done);
    }
    return {};
  }

  const ServerContext context_;
  bool failed_ = false;
};

class OperationsController final : public Controller {
 public:
  explicit OperationsController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-operations"; }

  // With nothing to wait for, a change of a Backup is soon enough.
  Duration period() const override {
    return waiting_ ? context_.config.item_operation_sync_frequency : std::chrono::minutes(1);
  }

  void reconcile(std::stop_token stop) override {
    waiting_ = false;
    for (const Backup& backup : list_backups(context_, stop)) {
      const BackupPhase phase = backup.status.phase.value();
      if (phase != BackupPhase::WaitingForPluginOperations &&
          phase != BackupPhase::WaitingForPluginOperationsPartiallyFailed) {
        continue;
      }
      waiting_ = true;
      auto polled = poll_backup(backup, context_, stop);
      if (polled) {
        if (*polled != backup) write_status(context_, backup.status.phase, *polled, stop);
      } else if (!stop.stop_requested()) {
        context_.log.error("Could not ask for the progress of a Backup's operations",
                           {{"backup", backup.metadata.name}, {"error", polled.error()}});
      }
    }
  }

 private:
  const ServerContext context_;
  bool waiting_ = false;  // this thread's alone
};

class FinalizerController final : public Controller {
 public:
  explicit FinalizerController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-finalizer"; }

  Duration period() const override { return std::chrono::seconds(10); }

  void reconcile(std::stop_token stop) override {
    for (const Backup& backup : list_backups(context_, stop)) {
      const BackupPhase phase = backup.status.phase.value();
      if (phase != BackupPhase::Finalizing && phase != BackupPhase::FinalizingPartiallyFailed) {
        continue;
      }
      auto done = traced_finalize(backup, stop);
      if (done) {
        write_status(context_, backup.status.phase, *done, stop);
        context_.metrics.backup_ended(*done, size_of(*done, stop));
        trace_ended(context_, *done);
      } else if (!stop.stop_requested()) {
        context_.log.error("Could not finalize a Backup; trying again",
                           {{"backup", backup.metadata.name}, {"error", done.error()}});
      }
    }
  }

 private:
  Result<Backup> traced_finalize(const Backup& backup, std::stop_token stop) const {
    Span span = trace_of(context_, backup.metadata).span("finalize");
    auto done = finalize_backup(backup, context_, std::move(stop));
    if (!done) span.fail(done.error());
    return done;
  }

  // Of its tarball; 0 when that cannot be told, for it is only counted.
  ByteCount size_of(const Backup& backup, std::stop_token stop) const {
    auto store = open_store(context_, backup.spec.storage_location, stop);
    if (!store) return 0;
    const auto info =
        (*store)->objects().head((*store)->layout().backup_contents(backup.metadata.name), stop);
    return info ? info->size : 0;
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_backup_queue_controller(const ServerContext& context) {
  return std::make_unique<QueueController>(context);
}

std::unique_ptr<Controller> make_backup_controller(const ServerContext& context) {
  return std::make_unique<BackupController>(context);
}

std::unique_ptr<Controller> make_backup_operations_controller(const ServerContext& context) {
  return std::make_unique<OperationsController>(context);
}

std::unique_ptr<Controller> make_backup_finalizer_controller(const ServerContext& context) {
  return std::make_unique<FinalizerController>(context);
}

}  // namespace lateen::server
