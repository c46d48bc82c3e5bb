#include "server/restore_controller.h"

#include <set>

#include "model/backup.h"
#include "model/names.h"
#include "model/restore.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/restore_preparation.h"
#include "server/restore_rights.h"
#include "server/restore_runner.h"
#include "server/run_threads.h"
#include "server/traces.h"

namespace lateen::server {
namespace {

using model::Restore;
using model::RestorePhase;

// Decides which restores begin and go on; each runs in a thread of its own.
class RestoreController final : public Controller {
 public:
  explicit RestoreController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "restore"; }

  // The end of one makes room for the next.
  Duration period() const override {
    return busy_ ? Duration(std::chrono::seconds(1)) : Duration(std::chrono::minutes(1));
  }

  void reconcile(std::stop_token stop) override {
    auto restores = list_all<Restore>(context_, stop);
    if (!restores) return;
    context_.metrics.restores_present(restores->size());
    sort_by_age(*restores);
    for (const Restore& restore : *restores) {
      if (stop.stop_requested()) return;
      const Status done = look_at(restore, stop);
      if (done || stop.stop_requested() || was_overtaken(done.error())) continue;
      context_.log.error("Could not process a Restore",
                         {{"restore", restore.metadata.name}, {"error", done.error()}});
    }
    busy_ = threads_.count() > 0;
    remove_left_rights(stop);
  }

  void wait() override { threads_.wait(); }

 private:
  void remove_left_rights(std::stop_token stop) {
    if (context_.restore_rights == nullptr) return;
    const Status done = context_.restore_rights->remove_left(stop);
    if (!done && !stop.stop_requested())
      context_.log.error("Could not give back rights", {{"error", done.error()}});
  }

  Status look_at(const Restore& restore, std::stop_token stop) {
    const std::string& uid = restore.metadata.uid;
    if (threads_.is_at_work(uid)) return {};
    if (restore.metadata.deletion_timestamp) return clean_up(restore, stop);
    const RestorePhase phase = restore.status.phase.value();
    const bool is_free = threads_.count() < context_.config.concurrent_restores;
    if (model::is_new(phase)) return is_free ? begin(restore, stop) : Status();
    if (can_go_on(phase)) return is_free ? go_on(restore, stop) : Status();
    // One that an earlier server was at is the recovery's.
    if (phase == RestorePhase::InProgress && begun_.count(uid) > 0) return give_up(restore, stop);
    return {};
  }

  Status begin(const Restore& restore, std::stop_token stop) {
    const Restore prepared = TRY(prepare_restore(restore, context_, stop));
    const Restore started = TRY(context_.cluster.update(restore, prepared, stop));
    if (started.status.phase != RestorePhase::InProgress) {
      context_.metrics.restore_ended(started, started.spec.schedule_name);
      return {};
    }
    context_.metrics.restore_started(started, started.spec.schedule_name);
    begun_.insert(started.metadata.uid);
    start(started, stop);
    return {};
  }

  // What was listed may have come to its end since: the object as it is now decides.
  Status go_on(const Restore& listed, std::stop_token stop) {
    const Restore now = TRY(context_.cluster.get<Restore>(listed.metadata.name, stop));
    if (now.metadata.uid == listed.metadata.uid && can_go_on(now.status.phase.value())) {
      start(now, stop);
    }
    return {};
  }

  // Nobody works on it, though it says so: its end could not be written.
  Status give_up(const Restore& listed, std::stop_token stop) {
    TRY(context_.cluster.modify<Restore>(
        listed.metadata.name,
        [&](Restore& now) {
          if (now.metadata.uid != listed.metadata.uid ||
              now.status.phase != RestorePhase::InProgress) {
            return;
          }
          now.status.phase = RestorePhase::Failed;
          now.status.failure_reason = "the restore has ended, and its end could not be written";
          now.status.completion_timestamp = context_.clock.now();
        },
        stop));
    return {};
  }

  void start(const Restore& restore, std::stop_token server_stop) {
    threads_.start(
        restore.metadata.uid,
        [this, restore](std::stop_token stop) {
          const RestoreJob job{.restore = restore,
                               .context = context_,
                               .tell = [&](const Restore& now) { write_status(now, stop); }};
          const auto done = run_with_rights(job, stop);
          if (done) {
            write_status(*done, stop);
            context_.metrics.restore_ended(*done, restore.spec.schedule_name);
            trace_ended(context_, *done);
          } else if (!stop.stop_requested()) {
            context_.log.error("Could not go on with a Restore; trying again",
                               {{"restore", restore.metadata.name}, {"error", done.error()}});
          }
        },
        std::move(server_stop));
  }

  // Without the rights a restore that has just begun fails; one that goes on waits for them.
  Result<Restore> run_with_rights(const RestoreJob& job, std::stop_token stop) {
    const auto rights = hold_restore_rights(context_.restore_rights, stop);
    if (rights) return run_restore_to_end(job, stop);
    if (job.restore.status.phase != RestorePhase::InProgress || stop.stop_requested())
      return Error(rights.error());
    Restore failed = job.restore;
    failed.status.phase = RestorePhase::Failed;
    failed.status.failure_reason = rights.error().describe();
    failed.status.completion_timestamp = context_.clock.now();
    return failed;
  }

  // Tries for long: a restore whose end is not written is told to have failed.
  void write_status(const Restore& done, std::stop_token stop) const {
    const Deadline deadline = Deadline::after(context_.config.resource_timeout);
    std::chrono::seconds pause{1};
    while (true) {
      auto written = context_.cluster.modify<Restore>(
          done.metadata.name,
          [&done](Restore& now) {
            if (now.metadata.uid == done.metadata.uid) now.status = done.status;
          },
          stop);
      if (written || written.error().is(Code::NotFound) || stop.stop_requested()) return;
      context_.log.error("Could not write a Restore's status",
                         {{"restore", done.metadata.name}, {"error", written.error()}});
      if (deadline.expired() || !sleep_unless_stopped(pause, stop)) return;
      pause = std::min(pause * 2, std::chrono::seconds(30));
    }
  }

  Status clean_up(const Restore& restore, std::stop_token stop) {
    if (!restore.metadata.has_finalizer(model::finalizers::kRestoreResources)) return {};
    const Status files = remove_files(restore, stop);
    if (!files) return files;
    TRY(context_.cluster.modify<Restore>(
        restore.metadata.name,
        [](Restore& now) { now.metadata.remove_finalizer(model::finalizers::kRestoreResources); },
        stop));
    return {};
  }

  // With the backup or its location gone there is nowhere to look: the files went with them, or
  // nobody can.
  Status remove_files(const Restore& restore, std::stop_token stop) {
    auto backup = context_.cluster.get<model::Backup>(restore.spec.backup_name, stop);
    if (!backup) return backup.error().is(Code::NotFound) ? Status() : Status(backup.error());
    auto store = open_store(context_, backup->spec.storage_location, stop);
    if (!store) return store.error().is(Code::NotFound) ? Status() : Status(store.error());
    return (*store)->delete_restore(restore.metadata.name, stop);
  }

  const ServerContext context_;
  bool busy_ = false;            // this thread's alone
  std::set<std::string> begun_;  // uids of those that this server began
  RunThreads threads_;           // uses all above: goes first
};

}  // namespace

std::unique_ptr<Controller> make_restore_controller(const ServerContext& context) {
  return std::make_unique<RestoreController>(context);
}

}  // namespace lateen::server
