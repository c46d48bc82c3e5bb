#include "server/deletion_controller.h"

#include <algorithm>

#include "model/backup.h"
#include "model/names.h"
#include "model/requests.h"
#include "model/restore.h"
#include "server/metrics.h"
#include "server/stored_archive.h"
#include "volumes/csi_snapshot.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::DeleteBackupRequest;
using model::RequestPhase;

constexpr std::chrono::hours kKeepProcessed{24};
constexpr std::string_view kContents = "volumesnapshotcontents.snapshot.storage.k8s.io";

bool is_in_progress(const Backup& backup) {
  const BackupPhase phase = backup.status.phase.value();
  return phase == BackupPhase::InProgress || phase == BackupPhase::ReadyToStart;
}

class DeletionController final : public Controller {
 public:
  explicit DeletionController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-deletion"; }

  Duration period() const override { return std::chrono::hours(1); }

  void reconcile(std::stop_token stop) override {
    auto requests = context_.cluster.list<DeleteBackupRequest>({}, stop);
    if (!requests) {
      if (!stop.stop_requested()) {
        context_.log.error("Could not list DeleteBackupRequests", {{"error", requests.error()}});
      }
      return;
    }
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
      errors.push_back(backup.error().is(Code::NotFound) ? "backup not found"
                                                         : backup.error().message());
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
    const Status marked = mark(backup, request, stop);
    if (!marked) return {marked.error().message()};
    model::StringList errors = delete_snapshots(backup, **store, log, stop);
    // Files go only when the snapshots are gone: they alone know where those are.
    if (!errors.empty()) return errors;
    const Status files = (*store)->delete_backup(backup.metadata.name, stop);
    if (!files) return {files.error().message()};
    errors = delete_restores(backup, stop);
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
    if (!stored) {
      if (stored.error().is(Code::NotFound)) return errors;
      return {stored.error().message()};
    }
    const std::string label = model::valid_name(backup.metadata.name);
    for (const archive::ArchivedItem& item : stored->reader.items()) {
      if (item.key.group_resource != kContents || !item.key.preferred) continue;
      const Status deleted = delete_snapshot(stored->reader, item, label, log, stop);
      if (!deleted) errors.push_back(deleted.error().message());
    }
    return errors;
  }

  Status delete_snapshot(const archive::ArchiveReader& reader,
                         const archive::ArchivedItem& item,
                         std::string_view label,
                         const Log& log,
                         std::stop_token stop) {
    const Json content = TRY(parse_json(TRY(reader.read(item))));
    if (kube::label_of(content, model::labels::kBackupName) != label) return {};
    const std::string name = fmt::format("vsc-{}", uuid4(context_.rng));
    TRY(volumes::delete_stored_snapshot(context_.client(), content, name, stop)
            .wrap("deleting snapshot {}", string_at(content, "status.snapshotHandle")));
    log.info("Deleted CSI snapshot",
             {{"snapshotHandle", string_at(content, "status.snapshotHandle")}});
    return {};
  }

  model::StringList delete_restores(const Backup& backup, std::stop_token stop) {
    model::StringList errors;
    auto restores = context_.cluster.list<model::Restore>({}, stop);
    if (!restores) return {restores.error().message()};
    for (const model::Restore& restore : *restores) {
      if (restore.spec.backup_name != backup.metadata.name) continue;
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
