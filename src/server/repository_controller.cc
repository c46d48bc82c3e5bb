#include "server/repository_controller.h"

#include <map>

#include "model/backup_repository.h"
#include "model/locations.h"
#include "server/listing.h"
#include "server/repository_rekey.h"
#include "server/volume_repositories.h"
#include "volumes/repository_settings.h"

namespace lateen::server {
namespace {

using model::BackupRepository;
using model::BackupStorageLocation;
using model::RepositoryPhase;

constexpr Duration kLookAgain = std::chrono::minutes(5);

class RepositoryController final : public Controller {
 public:
  explicit RepositoryController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-repo"; }

  Duration period() const override { return kLookAgain; }

  void reconcile(std::stop_token stop) override {
    const auto all = list_all<BackupRepository>(context_, stop);
    if (!all) return;
    for (const BackupRepository& repository : *all) {
      if (stop.stop_requested()) return;
      if (is_due(repository, stop)) prepare(repository, stop);
    }
  }

 private:
  // New, not ready for a while, or its location became another.
  bool is_due(const BackupRepository& repository, std::stop_token stop) {
    const auto location = context_.cluster.get<BackupStorageLocation>(
        repository.spec.backup_storage_location, std::move(stop));
    if (!location) return repository.status.phase != RepositoryPhase::NotReady;
    Seen& seen = seen_[repository.metadata.uid];
    const model::BackupStorageLocationSpec before = std::exchange(seen.location, location->spec);
    const bool moved = seen.known && before != location->spec;
    seen.known = true;
    if (repository.status.phase == RepositoryPhase::Ready) return moved;
    if (repository.status.phase == RepositoryPhase::NotReady && !moved)
      return context_.clock.now() >= seen.tried + kLookAgain;
    return true;
  }

  void prepare(const BackupRepository& repository, std::stop_token stop) {
    const Log log = context_.log.with(LogField("backupRepo", repository.metadata.name));
    seen_[repository.metadata.uid].tried = context_.clock.now();
    const model::StringMap config = first_config(repository, log, stop);
    const auto opened = open_or_create_volume_repository(context_, place_of(repository), stop);
    if (stop.stop_requested()) return;
    const std::string key = opened ? key_of(repository, (*opened)->key(), stop) : std::string();
    std::string identifier;
    if (place_of(repository).type == volumes::kRestic) identifier = identifier_of(repository, stop);
    const auto written = context_.cluster.modify<BackupRepository>(
        repository.metadata.name,
        [&](BackupRepository& now) {
          if (!identifier.empty()) now.spec.restic_identifier = identifier;
          if (now.spec.repository_config.empty()) now.spec.repository_config = config;
          if (context_.config.default_repo_maintain_frequency > Duration::zero())
            now.spec.maintenance_frequency = context_.config.default_repo_maintain_frequency;
          now.status.phase = opened ? RepositoryPhase::Ready : RepositoryPhase::NotReady;
          now.status.message = opened ? std::string() : opened.error().describe();
          if (!key.empty()) now.metadata.annotations.insert_or_assign(std::string(kKeyInUse), key);
          if (opened && !now.status.last_maintenance_time)
            now.status.last_maintenance_time = context_.clock.now();
        },
        stop);
    if (!opened) {
      log.error("The repository cannot be used", {{"error", opened.error()}});
    } else if ((*opened)->has_well_known_key()) {
      log.warning(
          "The repository's key is the one that everybody knows: whoever reads the bucket reads "
          "the volumes' files. `lateen repo rekey` gives it another one");
    } else {
      log.info("The repository is ready");
    }
    if (!written && !was_overtaken(written.error()) && !stop.stop_requested())
      log.error("Could not write the repository's status", {{"error", written.error()}});
  }

  // Of a new one. What is wrong with it keeps no backup waiting.
  model::StringMap first_config(const BackupRepository& repository,
                                const Log& log,
                                std::stop_token stop) const {
    const std::string& name = context_.config.repository_config_map;
    const bool is_new = repository.status.phase == RepositoryPhase::New ||
                        repository.status.phase == RepositoryPhase::Unset;
    if (name.empty() || !is_new) return {};
    auto config = [&]() -> Result<model::StringMap> {
      const Json map =
          TRY(context_.client()
                  .get({.gvr = {"", "v1", "configmaps"}, .ns = context_.cluster.ns(), .name = name},
                       {}, std::move(stop))
                  .wrap("reading the ConfigMap of --backup-repository-configmap"));
      return volumes::repository_config(map, place_of(repository).type);
    }();
    if (config) return std::move(*config);
    log.error("The repository is made without settings: they cannot be used",
              {{"error", config.error()}});
    return {};
  }

  std::string key_of(const BackupRepository& repository,
                     const Secret& key,
                     std::stop_token stop) const {
    const auto keys = read_repository_keys(context_, std::move(stop));
    if (!keys) return {};  // said when it was opened
    return std::string(name_of_key(*keys, repository.spec.backup_storage_location, key));
  }

  std::string identifier_of(const BackupRepository& repository, std::stop_token stop) const {
    const auto location = context_.cluster.get<BackupStorageLocation>(
        repository.spec.backup_storage_location, std::move(stop));
    return location ? restic_identifier(*location, repository.spec.volume_namespace)
                    : std::string();
  }

  struct Seen {
    bool known = false;
    model::BackupStorageLocationSpec location = {};
    TimePoint tried = {};
  };

  const ServerContext context_;
  std::map<std::string, Seen> seen_;  // by uid; this thread's alone
};

}  // namespace

std::unique_ptr<Controller> make_repository_controller(const ServerContext& context) {
  return std::make_unique<RepositoryController>(context);
}

}  // namespace lateen::server
