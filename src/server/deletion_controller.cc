#include "server/deletion_controller.h"

#include <algorithm>

#include "base/hash.h"
#include "model/backup.h"
#include "model/names.h"
#include "model/native_snapshot.h"
#include "model/phases.h"
#include "model/requests.h"
#include "model/restore.h"
#include "server/backup_signer.h"
#include "server/delete_actions.h"
#include "server/leftovers.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/stored_archive.h"
#include "server/volume_snapshots.h"
#include "volumes/csi_snapshot.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::DeleteBackupRequest;
using model::RequestPhase;

constexpr std::chrono::hours kKeepProcessed{24};
constexpr std::string_view kContents = "volumesnapshotcontents.snapshot.storage.k8s.io";

// Some controller of this server is at work on it, and would write into what is being deleted.
bool is_in_progress(const Backup& backup) {
  const BackupPhase phase = backup.status.phase.value();
  return phase == BackupPhase::InProgress || phase == BackupPhase::ReadyToStart ||
         model::is_unfinished(phase);
}

// Whether the files under the backup's name are another's: this one never ran because they were
// there already, or because it was not valid. (A synced backup has another uid than its file, too;
// but then the file tells the same end.)
Result<bool> files_are_of_another(const Backup& backup,
                                  objects::BackupStore& store,
                                  std::stop_token stop) {
  const bool never_ran =
      !backup.status.failure_reason.empty() || !backup.status.validation_errors.empty();
  if (!never_ran) return false;
  const auto stored = store.get_metadata(backup.metadata.name, stop);
  if (!stored) {
    if (stored.error().is(Code::NotFound)) return false;
    return stored.error();
  }
  return stored->metadata.uid != backup.metadata.uid && stored->status.failure_reason.empty();
}

class DeletionController final : public Controller {
 public:
  explicit DeletionController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-deletion"; }

  Duration period() const override { return std::chrono::hours(1); }

  void reconcile(std::stop_token stop) override {
    auto requests = list_all<DeleteBackupRequest>(context_, stop);
    if (!requests) return;
    for (const DeleteBackupRequest& request : *requests) {
      if (stop.stop_requested()) return;
      if (request.status.phase == RequestPhase::Processed) {
        remove_if_old(request, stop);
      } else {
        process(request, stop);
      }
    }
  }

 private:
  void remove_if_old(const DeleteBackupRequest& request, std::stop_token stop) {
    const auto made = request.metadata.creation_timestamp;
    if (!made || context_.clock.now() < *made + kKeepProcessed) return;
    const Status removed =
        context_.cluster.remove<DeleteBackupRequest>(request.metadata.name, stop);
    if (!removed) {
      context_.log.warning("Could not remove an old DeleteBackupRequest",
                           {{"error", removed.error()}});
    }
  }

  void process(const DeleteBackupRequest& request, std::stop_token stop) {
    const Log log = context_.log.with(
        {{"backup", request.spec.backup_name}, {"deletebackuprequest", request.metadata.name}});
    model::StringList errors;
    std::string schedule;
    auto backup = context_.cluster.get<Backup>(request.spec.backup_name, stop);
    if (!backup) {
      // Gone after this request was begun: a server before us did it, and died before it said so.
      const bool gone = backup.error().is(Code::NotFound);
      if (!gone) {
        errors.push_back(backup.error().message());
      } else if (request.status.phase != RequestPhase::InProgress) {
        errors.emplace_back("backup not found");
      }
    } else if (is_in_progress(*backup)) {
      errors.emplace_back("backup is still in progress");
    } else {
      schedule = backup->metadata.label(model::labels::kScheduleName);
      errors = delete_backup(*backup, request, log, stop);
    }
    if (stop.stop_requested()) return;
    context_.metrics.backup_deletion(schedule, errors.empty());
    if (errors.empty()) {
      finish_all_requests(request.spec.backup_name, log, stop);
      remove_request(request, log, stop);  // it may lack the label that the others are found by
      log.info("Backup deleted");
      return;
    }
    log.error("Backup could not be deleted",
              {{"error", fmt::format("{}", fmt::join(errors, "; "))}});
    auto written = context_.cluster.modify<DeleteBackupRequest>(
        request.metadata.name,
        [&errors](DeleteBackupRequest& now) {
          now.status.phase = RequestPhase::Processed;
          now.status.errors = errors;
        },
        stop);
    if (!written) log.error("Could not write the request's status", {{"error", written.error()}});
  }

  // The errors; none when everything is gone.
  model::StringList delete_backup(const Backup& backup,
                                  const DeleteBackupRequest& request,
                                  const Log& log,
                                  std::stop_token stop) {
    auto store = open_available_store(context_, backup.spec.storage_location, Access::Write, stop);
    if (!store) return {store.error().message()};
    const auto of_another = files_are_of_another(backup, **store, stop);
    if (!of_another) return {of_another.error().message()};
    if (*of_another) {
      const Status removed = context_.cluster.remove<Backup>(backup.metadata.name, stop);
      return removed ? model::StringList() : model::StringList{removed.error().message()};
    }
    const Status marked = mark(backup, request, stop);
    if (!marked) return {marked.error().message()};
    model::StringList errors = delete_snapshots(backup, **store, log, stop);
    for (const model::StringList& more :
         {delete_native(backup, **store, log, stop),
          forget_volume_snapshots(backup, **store, context_, log, stop)}) {
      errors.insert(errors.end(), more.begin(), more.end());
    }
    // Files go only when the snapshots are gone: they alone know where those are.
    if (!errors.empty()) return errors;
    const Status forgotten =
        forget_signed(context_, backup.spec.storage_location, backup.metadata.name, stop);
    if (!forgotten) return {forgotten.error().message()};
    const Status files = (*store)->delete_backup(backup.metadata.name, stop);
    if (!files) return {files.error().message()};
    errors = delete_restores(backup, **store, stop);
    if (!errors.empty()) return errors;
    const Status removed = context_.cluster.remove<Backup>(backup.metadata.name, stop);
    if (!removed) errors.push_back(removed.error().message());
    return errors;
  }

  Status mark(const Backup& backup, const DeleteBackupRequest& request, std::stop_token stop) {
    TRY(context_.cluster.modify<DeleteBackupRequest>(
        request.metadata.name,
        [](DeleteBackupRequest& now) { now.status.phase = RequestPhase::InProgress; }, stop));
    TRY(context_.cluster.modify<Backup>(
        backup.metadata.name, [](Backup& now) { now.status.phase = BackupPhase::Deleting; }, stop));
    return {};
  }

  // Of the contents that this backup made; one that it merely held is somebody else's.
  model::StringList delete_snapshots(const Backup& backup,
                                     objects::BackupStore& store,
                                     const Log& log,
                                     std::stop_token stop) {
    model::StringList errors;
    auto stored = open_stored_archive(store, backup.metadata.name, stop);
    if (!stored && !stored.error().is(Code::NotFound)) return {stored.error().message()};
    if (!stored) {
      // It failed before it had any contents, or was deleted in part: what is left of its snapshots
      // is in the cluster.
      return discard_snapshots(backup, context_, stop);
    }
    const Status acted = run_delete_actions(backup, stored->reader, context_, log, stop);
    if (!acted)
      return {fmt::format("error invoking delete item actions: {}", acted.error().message())};
    const std::string label = model::valid_name(backup.metadata.name);
    for (const archive::ArchivedItem& item : stored->reader.items()) {
      if (item.key.group_resource != kContents || !item.key.preferred) continue;
      const Status deleted = delete_snapshot(stored->reader, item, label, log, stop);
      if (!deleted) errors.push_back(deleted.error().message());
    }
    return errors;
  }

  model::StringList delete_native(const Backup& backup,
                                  objects::BackupStore& store,
                                  const Log& log,
                                  std::stop_token stop) {
    const auto snapshots = store.get_volume_snapshots(backup.metadata.name, stop);
    if (snapshots) return delete_native_snapshots(*snapshots, context_, log, stop);
    if (snapshots.error().is(Code::NotFound)) return {};
    return {snapshots.error().message()};
  }

  Status delete_snapshot(const archive::ArchiveReader& reader,
                         const archive::ArchivedItem& item,
                         std::string_view label,
                         const Log& log,
                         std::stop_token stop) {
    const Json content = TRY(parse_json(TRY(reader.read(item))));
    if (kube::label_of(content, model::labels::kBackupName) != label) return {};
    // The same on each try, so that one that was cut short leaves nothing behind.
    const std::string name =
        fmt::format("vsc-{}", sha256_hex(fmt::format("{}/{}", kube::uid_of(content),
                                                     string_at(content, "status.snapshotHandle")))
                                  .substr(0, 32));
    TRY(volumes::delete_stored_snapshot(context_.client(), content, name, stop)
            .wrap("deleting snapshot {}", string_at(content, "status.snapshotHandle")));
    log.info("Deleted CSI snapshot",
             {{"snapshotHandle", string_at(content, "status.snapshotHandle")}});
    return {};
  }

  // Their files too: when the backup is gone, nobody can tell where they lie.
  model::StringList delete_restores(const Backup& backup,
                                    objects::BackupStore& store,
                                    std::stop_token stop) {
    model::StringList errors;
    auto restores = context_.cluster.list<model::Restore>({}, stop);
    if (!restores) return {restores.error().message()};
    for (const model::Restore& restore : *restores) {
      if (restore.spec.backup_name != backup.metadata.name) continue;
      const Status files = store.delete_restore(restore.metadata.name, stop);
      if (!files) errors.push_back(files.error().message());
      const Status removed = context_.cluster.remove<model::Restore>(restore.metadata.name, stop);
      if (!removed) errors.push_back(removed.error().message());
    }
    return errors;
  }

  void finish_all_requests(const std::string& backup, const Log& log, std::stop_token stop) {
    auto requests = context_.cluster.list<DeleteBackupRequest>(
        fmt::format("{}={}", model::labels::kBackupName, model::valid_name(backup)), stop);
    if (!requests) {
      log.warning("Could not list the backup's DeleteBackupRequests",
                  {{"error", requests.error()}});
      return;
    }
    for (const DeleteBackupRequest& request : *requests) {
      if (request.spec.backup_name == backup) remove_request(request, log, stop);
    }
  }

  void remove_request(const DeleteBackupRequest& request, const Log& log, std::stop_token stop) {
    const Status removed =
        context_.cluster.remove<DeleteBackupRequest>(request.metadata.name, stop);
    if (!removed)
      log.warning("Could not remove a DeleteBackupRequest", {{"error", removed.error()}});
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_deletion_controller(const ServerContext& context) {
  return std::make_unique<DeletionController>(context);
}

}  // namespace lateen::server
