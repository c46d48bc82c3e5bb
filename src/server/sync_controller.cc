#include <algorithm>
#include <set>

#include "model/backup.h"
#include "model/locations.h"
#include "model/names.h"
#include "model/pod_volumes.h"
#include "model/schedule.h"
#include "server/collection_controllers.h"
#include "server/listing.h"
#include "server/orphans.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::BackupStorageLocation;

class SyncController final : public Controller {
 public:
  explicit SyncController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-sync"; }

  // How often it looks whether some location's own period is over.
  Duration period() const override {
    return std::min<Duration>(context_.config.backup_sync_period, std::chrono::minutes(1));
  }

  void reconcile(std::stop_token stop) override {
    auto locations = list_all<BackupStorageLocation>(context_, stop);
    if (!locations) return;
    std::stable_sort(locations->begin(), locations->end(), [](const auto& a, const auto& b) {
      return a.spec.is_default && !b.spec.is_default;
    });
    for (const BackupStorageLocation& location : *locations) {
      if (stop.stop_requested()) return;
      if (!is_sync_due(location)) continue;
      const Status synced = sync(location, stop);
      if (!synced && !stop.stop_requested()) {
        context_.log.error("Could not sync backups from the location",
                           {{"backupLocation", location.metadata.name}, {"error", synced.error()}});
      }
    }
  }

 private:
  bool is_sync_due(const BackupStorageLocation& location) const {
    if (location.status.phase != model::LocationPhase::Available) return false;
    Duration wanted = context_.config.backup_sync_period;
    if (location.spec.backup_sync_period) {
      if (*location.spec.backup_sync_period == Duration::zero()) return false;
      if (*location.spec.backup_sync_period > Duration::zero())
        wanted = *location.spec.backup_sync_period;
    }
    return !location.status.last_synced_time ||
           context_.clock.now() >= *location.status.last_synced_time + wanted;
  }

  Status sync(const BackupStorageLocation& location, std::stop_token stop) {
    auto store = TRY(open_store(context_, location, stop));
    const auto in_bucket = TRY(store->list_backups(stop));
    const auto in_cluster = TRY(context_.cluster.list<Backup>({}, stop));
    std::set<std::string> known;
    for (const Backup& backup : in_cluster)
      known.insert(backup.metadata.name);
    for (const std::string& name : in_bucket) {
      if (stop.stop_requested()) return Error(Code::Canceled, "the server was stopped");
      if (known.count(name) > 0) continue;
      const Status brought = bring(name, location, *store, stop);
      if (!brought) {
        context_.log.warning("Could not sync a backup from the bucket",
                             {{"backup", name},
                              {"backupLocation", location.metadata.name},
                              {"error", brought.error()}});
      }
    }
    TRY(drop_vanished(location, *store, in_cluster, stop));
    TRY(context_.cluster.modify<BackupStorageLocation>(
        location.metadata.name,
        [this](BackupStorageLocation& now) { now.status.last_synced_time = context_.clock.now(); },
        stop));
    return {};
  }

  Status bring(const std::string& name,
               const BackupStorageLocation& location,
               objects::BackupStore& store,
               std::stop_token stop) {
    // A folder without velero-backup.json is a backup that is being written, or was never finished.
    if (!TRY(store.backup_exists(name, stop))) {
      orphans_.look_at(name, location.metadata.name, store, context_, stop);
      return {};
    }
    Backup backup = TRY(store.get_metadata(name, stop));
    if (backup.metadata.name != name) {
      return Error(Code::Corrupt, "backups/{}/velero-backup.json is of a backup called {}", name,
                   backup.metadata.name);
    }
    if (model::is_unfinished(backup.status.phase.value())) {
      const bool expired =
          backup.status.expiration && context_.clock.now() >= *backup.status.expiration;
      if (!expired) return {};
      backup.status.phase = BackupPhase::PartiallyFailed;
    }
    backup.metadata.ns = context_.cluster.ns();
    backup.metadata.resource_version.clear();
    backup.metadata.uid.clear();
    backup.metadata.managed_fields = Json();
    backup.spec.storage_location = location.metadata.name;
    backup.metadata.labels[std::string(model::labels::kStorageLocation)] =
        model::valid_name(location.metadata.name);
    TRY(keep_living_owners(backup, stop));
    const Backup created = TRY(context_.cluster.create(backup, stop));
    context_.log.info("Synced backup into cluster",
                      {{"backup", name}, {"backupLocation", location.metadata.name}});
    return bring_pod_volumes(created, location, store, stop);
  }

  // A Schedule that made the backup may not be here, or be another one of that name.
  Status keep_living_owners(Backup& backup, std::stop_token stop) {
    std::vector<model::OwnerReference> living;
    for (const model::OwnerReference& owner : backup.metadata.owner_references) {
      if (owner.kind != model::Schedule::kKind.kind) continue;
      auto schedule = context_.cluster.get<model::Schedule>(owner.name, stop);
      if (schedule && schedule->metadata.uid == owner.uid) living.push_back(owner);
      if (!schedule && !schedule.error().is(Code::NotFound)) return std::move(schedule).error();
    }
    backup.metadata.owner_references = std::move(living);
    return {};
  }

  Status bring_pod_volumes(const Backup& backup,
                           const BackupStorageLocation& location,
                           objects::BackupStore& store,
                           std::stop_token stop) {
    auto volumes = store.get_pod_volume_backups(backup.metadata.name, stop);
    if (!volumes) {
      if (volumes.error().is(Code::NotFound)) return {};
      return std::move(volumes).error();
    }
    for (model::PodVolumeBackup& volume : *volumes) {
      volume.metadata.ns = context_.cluster.ns();
      volume.metadata.resource_version.clear();
      volume.metadata.uid.clear();
      volume.metadata.managed_fields = Json();
      volume.metadata.labels[std::string(model::labels::kBackupUid)] = backup.metadata.uid;
      for (model::OwnerReference& owner : volume.metadata.owner_references) {
        if (owner.name == backup.metadata.name) owner.uid = backup.metadata.uid;
      }
      volume.spec.backup_storage_location = location.metadata.name;
      auto created = context_.cluster.create(volume, stop);
      if (!created && !created.error().is(Code::AlreadyExists)) return std::move(created).error();
    }
    return {};
  }

  // The object only: its data are gone already.
  Status drop_vanished(const BackupStorageLocation& location,
                       objects::BackupStore& store,
                       const std::vector<Backup>& in_cluster,
                       std::stop_token stop) {
    const std::string label = model::valid_name(location.metadata.name);
    for (const Backup& backup : in_cluster) {
      if (backup.metadata.label(model::labels::kStorageLocation) != label) continue;
      if (!model::is_restorable(backup.status.phase.value())) continue;
      if (TRY(store.backup_exists(backup.metadata.name, stop))) continue;
      TRY(context_.cluster.remove<Backup>(backup.metadata.name, stop));
      context_.log.info(
          "Deleted a Backup that is no longer in its bucket",
          {{"backup", backup.metadata.name}, {"backupLocation", location.metadata.name}});
    }
    return {};
  }

  const ServerContext context_;
  OrphanReport orphans_;
};

}  // namespace

std::unique_ptr<Controller> make_sync_controller(const ServerContext& context) {
  return std::make_unique<SyncController>(context);
}

}  // namespace lateen::server
