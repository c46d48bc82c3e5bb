#include "server/recovery.h"

#include <type_traits>

#include <fmt/ranges.h>

#include "model/backup.h"
#include "model/data_movement.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/pod_volumes.h"
#include "model/restarts.h"
#include "model/restore.h"
#include "server/leftovers.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Restore;
using model::RestorePhase;

// A node agent that is not heard of will not end anything.
constexpr std::chrono::minutes kPatienceWithAgents{1};

Error gone_too_often(std::string_view noun, std::string_view phase) {
  return Error(Code::Internal,
               "found a {0} with status \"{1}\" during the server starting, mark it as \"Failed\": "
               "the server has ended {2} times while it was at it",
               noun, phase, kMaxRestarts + 1);
}

// Changes the object if it is still the one that was found InProgress.
template <typename T, typename Phase, typename Change>
Status settle(const T& found,
              Phase in_progress,
              const ServerContext& context,
              Change change,
              std::stop_token stop) {
  auto written = context.cluster.modify<T>(
      found.metadata.name,
      [&](T& now) {
        if (now.metadata.uid == found.metadata.uid && now.status.phase == in_progress) change(now);
      },
      stop);
  if (!written && !written.error().is(Code::NotFound)) return std::move(written).error();
  return {};
}

// The Restore's part that node agents do: nobody waits for it any more.
template <typename T>
Status cancel_work(const Restore& restore, const ServerContext& context, std::stop_token stop) {
  const auto work = context.cluster.list<T>(
      fmt::format("{}={}", model::labels::kRestoreUid, restore.metadata.uid), stop);
  if (!work) return work.error().is(Code::NotFound) ? Status() : Status(work.error());
  for (const T& one : *work) {
    if (model::is_terminal(one.status.phase.value()) || one.spec.cancel) continue;
    auto asked =
        context.cluster.modify<T>(one.metadata.name, [](T& now) { now.spec.cancel = true; }, stop);
    if (!asked && !asked.error().is(Code::NotFound)) return std::move(asked).error();
  }
  return {};
}

class RecoveryController final : public Controller {
 public:
  RecoveryController(const ServerContext& context,
                     std::vector<Backup> backups,
                     std::vector<Restore> restores)
      : context_(context),
        backups_(std::move(backups)),
        restores_(std::move(restores)),
        patience_with_agents_(Deadline::after(kPatienceWithAgents)),
        patience_(Deadline::after(context.config.resource_timeout)) {}

  std::string_view name() const override { return "recovery"; }

  Duration period() const override {
    return backups_.empty() && restores_.empty() ? Duration(std::chrono::hours(24))
                                                 : Duration(std::chrono::seconds(1));
  }

  void reconcile(std::stop_token stop) override {
    std::erase_if(backups_, [&](const Backup& backup) { return is_done(backup, stop); });
    std::erase_if(restores_, [&](const Restore& restore) {
      const Status done = recover(restore, stop);
      if (!done && !stop.stop_requested()) {
        context_.log.warning("Could not take up an interrupted restore yet",
                             {{"restore", restore.metadata.name}, {"error", done.error()}});
      }
      return done.has_value();
    });
  }

 private:
  bool is_done(const Backup& backup, std::stop_token stop) {
    const Log log = context_.log.with(LogField("backup", backup.metadata.name));
    Status done = recover(backup, log, stop);
    if (done || stop.stop_requested()) return done.has_value();
    const bool hopeless = done.error().is(Code::NotFound) || patience_.expired();
    if (!hopeless) {
      log.warning("Could not take up an interrupted backup yet", {{"error", done.error()}});
      return false;
    }
    // What it has left goes with its deletion, or is told by the bucket's sync.
    done = fail(backup, "backup", done.error(), stop);
    return done.has_value();
  }

  Status recover(const Backup& backup, const Log& log, std::stop_token stop) {
    auto store = TRY(open_store(context_, backup.spec.storage_location, stop));
    const bool is_whole = TRY(store->backup_exists(backup.metadata.name, stop));
    if (is_whole) {
      const Backup stored = TRY(store->get_metadata(backup.metadata.name, stop));
      if (stored.metadata.uid == backup.metadata.uid) return take_up(backup, stored, log, stop);
    }
    TRY(remove_copies(backup, context_, log, patience_with_agents_, stop));
    if (const auto errors = discard_snapshots(backup, context_, stop); !errors.empty()) {
      return Error(Code::Unavailable, "snapshots of the interrupted run stay: {}",
                   fmt::join(errors, "; "));
    }
    // Of another backup that has this name, nothing is touched.
    if (!is_whole) TRY(remove_unfinished(backup.metadata.name, *store, context_, log, stop));
    if (model::restarts_of(backup.metadata) >= kMaxRestarts)
      return fail(backup, "backup", gone_too_often("backup", "InProgress"), stop);
    TRY(settle(
        backup, BackupPhase::InProgress, context_,
        [](Backup& now) {
          now.status = {};
          now.status.phase = BackupPhase::ReadyToStart;
          model::count_restart(now.metadata);
        },
        stop));
    log.warning("An interrupted backup begins anew");
    return {};
  }

  // The last thing of its upload was its metadata, in phase WaitingForPluginOperations or
  // Finalizing: nothing is lost, and it goes on from there.
  Status take_up(const Backup& backup,
                 const Backup& stored,
                 const Log& log,
                 std::stop_token stop) const {
    TRY(settle(
        backup, BackupPhase::InProgress, context_,
        [&stored](Backup& now) { now.status = stored.status; }, stop));
    log.info("An interrupted backup was uploaded already, it goes on");
    return {};
  }

  template <typename T>  // Backup or Restore
  Status fail(const T& object,
              std::string_view noun,
              const Error& why,
              std::stop_token stop) const {
    using Phase = std::remove_cvref_t<decltype(object.status.phase.value())>;
    TRY(settle(
        object, Phase::InProgress, context_,
        [&](T& now) {
          now.status.phase = Phase::Failed;
          now.status.failure_reason = why.message();
          now.status.completion_timestamp = context_.clock.now();
        },
        stop));
    context_.log.error(fmt::format("An interrupted {} is Failed", noun),
                       {{noun, object.metadata.name}, {"error", why}});
    return {};
  }

  Status recover(const Restore& restore, std::stop_token stop) const {
    if (model::restarts_of(restore.metadata) >= kMaxRestarts) {
      TRY(cancel_work<model::PodVolumeRestore>(restore, context_, stop));
      TRY(cancel_work<model::DataDownload>(restore, context_, stop));
      return fail(restore, "restore", gone_too_often("restore", "InProgress"), stop);
    }
    TRY(settle(
        restore, RestorePhase::InProgress, context_,
        [](Restore& now) {
          now.status = {};
          now.status.phase = RestorePhase::New;
          model::count_restart(now.metadata);
        },
        stop));
    context_.log.warning("An interrupted restore goes on", {{"restore", restore.metadata.name}});
    return {};
  }

  const ServerContext context_;
  std::vector<Backup> backups_;    // still to be taken up
  std::vector<Restore> restores_;  // likewise
  const Deadline patience_with_agents_;
  const Deadline patience_;  // with buckets and clusters that do not answer
};

}  // namespace

Result<std::unique_ptr<Controller>> begin_recovery(const ServerContext& context,
                                                   std::stop_token stop) {
  std::vector<Backup> backups = TRY(context.cluster.list<Backup>({}, stop));
  std::erase_if(
      backups, [](const Backup& backup) { return backup.status.phase != BackupPhase::InProgress; });
  // Restores that wait or are being finalized go on by themselves (restore_controller.cc).
  std::vector<Restore> restores = TRY(context.cluster.list<Restore>({}, stop));
  std::erase_if(restores, [](const Restore& restore) {
    return restore.status.phase != RestorePhase::InProgress;
  });
  std::unique_ptr<Controller> recovery =
      std::make_unique<RecoveryController>(context, std::move(backups), std::move(restores));
  recovery->reconcile(std::move(stop));
  return recovery;
}

}  // namespace lateen::server
