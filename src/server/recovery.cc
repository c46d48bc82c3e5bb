#include "server/recovery.h"

#include "model/backup.h"
#include "model/data_movement.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/pod_volumes.h"
#include "model/restore.h"
#include "server/leftovers.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Restore;
using model::RestorePhase;

// Best effort: what cannot be removed now is told, and does not keep the server from starting.
void remove_files(const Backup& backup,
                  const ServerContext& context,
                  const Log& log,
                  std::stop_token stop) {
  const Status removed = [&]() -> Status {
    auto store = TRY(open_store(context, backup.spec.storage_location, stop));
    if (TRY(store->backup_exists(backup.metadata.name, stop))) return {};
    return remove_unfinished(backup.metadata.name, *store, context, log, stop);
  }();
  if (!removed) {
    log.warning("Could not remove what an interrupted backup left in its bucket",
                {{"error", removed.error()}});
  }
}

// A backup whose upload had come to its end has its metadata in the bucket, in phase Waiting or
// Finalizing: it is not lost, and goes on from there.
Result<bool> resume_if_uploaded(const Backup& backup,
                                const ServerContext& context,
                                std::stop_token stop) {
  auto store = TRY(open_store(context, backup.spec.storage_location, stop));
  if (!TRY(store->backup_exists(backup.metadata.name, stop))) return false;
  const Backup stored = TRY(store->get_metadata(backup.metadata.name, stop));
  if (stored.metadata.uid != backup.metadata.uid) return false;
  TRY(context.cluster.modify<Backup>(
      backup.metadata.name, [&stored](Backup& now) { now.status = stored.status; }, stop));
  return true;
}

// The node agents' part of what is lost: nobody waits for it any more.
template <typename T>
void cancel_work(const ServerContext& context,
                 std::string_view label,
                 const std::string& uid,
                 std::stop_token stop) {
  const auto work = context.cluster.list<T>(fmt::format("{}={}", label, uid), stop);
  if (!work) {
    context.log.warning(fmt::format("Could not list {}", T::kKind.plural),
                        {{"error", work.error()}});
    return;
  }
  for (const T& one : *work) {
    if (model::is_terminal(one.status.phase.value()) || one.spec.cancel) continue;
    const auto asked =
        context.cluster.modify<T>(one.metadata.name, [](T& now) { now.spec.cancel = true; }, stop);
    if (!asked && !asked.error().is(Code::NotFound))
      context.log.warning(fmt::format("Could not cancel a {}", T::kKind.kind),
                          {{"name", one.metadata.name}, {"error", asked.error()}});
  }
}

Status recover_backup(const Backup& backup, const ServerContext& context, std::stop_token stop) {
  const Log log = context.log.with(LogField("backup", backup.metadata.name));
  const auto resumed = resume_if_uploaded(backup, context, stop);
  if (resumed && *resumed) {
    log.info("An interrupted backup was uploaded already, it goes on");
    return {};
  }
  if (resumed) {
    remove_files(backup, context, log, stop);
    discard_snapshots(backup, context, log, stop);
  } else {
    // It may be whole in a bucket that cannot be asked now, and needs its snapshots then: they go
    // with the Backup's deletion.
    log.warning("Could not look whether an interrupted backup was uploaded; its snapshots stay",
                {{"error", resumed.error()}});
  }
  TRY(context.cluster.modify<Backup>(
      backup.metadata.name,
      [&context](Backup& now) {
        now.status.phase = BackupPhase::Failed;
        now.status.failure_reason =
            "found a backup with status \"InProgress\" during the server starting, mark it as "
            "\"Failed\"";
        now.status.completion_timestamp = context.clock.now();
      },
      stop));
  cancel_work<model::PodVolumeBackup>(context, model::labels::kBackupUid, backup.metadata.uid,
                                      stop);
  cancel_work<model::DataUpload>(context, model::labels::kBackupUid, backup.metadata.uid, stop);
  log.warning("Marked an interrupted backup Failed");
  return {};
}

Status recover_restore(const Restore& restore, const ServerContext& context, std::stop_token stop) {
  TRY(context.cluster.modify<Restore>(
      restore.metadata.name,
      [&context](Restore& now) {
        now.status.failure_reason = fmt::format(
            "found a restore with status \"{}\" during the server starting, mark it as \"Failed\"",
            now.status.phase.text());
        now.status.phase = RestorePhase::Failed;
        now.status.completion_timestamp = context.clock.now();
      },
      stop));
  cancel_work<model::PodVolumeRestore>(context, model::labels::kRestoreUid, restore.metadata.uid,
                                       stop);
  cancel_work<model::DataDownload>(context, model::labels::kRestoreUid, restore.metadata.uid, stop);
  context.log.warning("Marked an interrupted restore Failed", {{"restore", restore.metadata.name}});
  return {};
}

}  // namespace

Status recover(const ServerContext& context, std::stop_token stop) {
  for (const Backup& backup : TRY(context.cluster.list<Backup>({}, stop))) {
    if (backup.status.phase == BackupPhase::InProgress) TRY(recover_backup(backup, context, stop));
  }
  for (const Restore& restore : TRY(context.cluster.list<Restore>({}, stop))) {
    // Those that wait or are being finalized go on (restore_controller.cc).
    if (restore.status.phase == RestorePhase::InProgress) {
      TRY(recover_restore(restore, context, stop));
    }
  }
  return {};
}

}  // namespace lateen::server
