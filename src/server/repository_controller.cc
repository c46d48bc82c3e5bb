#include "server/repository_controller.h"

#include <map>

#include "base/random.h"
#include "kube/lease.h"
#include "model/backup_repository.h"
#include "model/locations.h"
#include "model/names.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/volume_repositories.h"

namespace lateen::server {
namespace {

using model::BackupRepository;
using model::BackupStorageLocation;
using model::RepositoryPhase;

constexpr Duration kLookAgain = std::chrono::minutes(5);
constexpr std::size_t kKeptRuns = 3;

RepositoryPlace place_of(const BackupRepository& repository) {
  RepositoryPlace place{.location = repository.spec.backup_storage_location,
                        .volume_namespace = repository.spec.volume_namespace};
  // Those of Velero before 1.10 are restic's, and do not say so.
  place.type = repository.spec.repository_type.empty() ? std::string(volumes::kRestic)
                                                       : repository.spec.repository_type;
  return place;
}

// None when they cannot be listed, which list_all logs.
std::vector<BackupRepository> repositories_of(const ServerContext& context, std::stop_token stop) {
  return list_all<BackupRepository>(context, std::move(stop))
      .value_or(std::vector<BackupRepository>());
}

class RepositoryController final : public Controller {
 public:
  explicit RepositoryController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-repo"; }

  Duration period() const override { return kLookAgain; }

  void reconcile(std::stop_token stop) override {
    for (const BackupRepository& repository : repositories_of(context_, stop)) {
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
    const auto opened = open_or_create_volume_repository(context_, place_of(repository), stop);
    if (stop.stop_requested()) return;
    std::string identifier;
    if (place_of(repository).type == volumes::kRestic) identifier = identifier_of(repository, stop);
    const auto written = context_.cluster.modify<BackupRepository>(
        repository.metadata.name,
        [&](BackupRepository& now) {
          if (!identifier.empty()) now.spec.restic_identifier = identifier;
          if (context_.config.default_repo_maintain_frequency > Duration::zero())
            now.spec.maintenance_frequency = context_.config.default_repo_maintain_frequency;
          now.status.phase = opened ? RepositoryPhase::Ready : RepositoryPhase::NotReady;
          now.status.message = opened ? std::string() : opened.error().describe();
          if (opened && !now.status.last_maintenance_time)
            now.status.last_maintenance_time = context_.clock.now();
        },
        stop);
    if (!opened) {
      log.error("The repository cannot be used", {{"error", opened.error()}});
    } else if ((*opened)->has_well_known_key()) {
      log.warning(
          "The repository's key is the one that everybody knows: whoever reads the bucket reads "
          "the volumes' files");
    } else {
      log.info("The repository is ready");
    }
    if (!written && !was_overtaken(written.error()) && !stop.stop_requested())
      log.error("Could not write the repository's status", {{"error", written.error()}});
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

class MaintenanceController final : public Controller {
 public:
  explicit MaintenanceController(const ServerContext& context)
      : context_(context), identity_(fmt::format("lateen-server-{}", uuid4(context.rng))) {}

  std::string_view name() const override { return "backup-repo"; }

  Duration period() const override { return kLookAgain; }

  void reconcile(std::stop_token stop) override {
    for (const BackupRepository& repository : repositories_of(context_, stop)) {
      if (stop.stop_requested()) return;
      if (is_due(repository, stop)) maintain(repository, stop);
    }
  }

 private:
  bool is_due(const BackupRepository& repository, std::stop_token stop) const {
    if (repository.status.phase != RepositoryPhase::Ready) return false;
    if (repository.spec.maintenance_frequency <= Duration::zero()) return false;
    const auto last = repository.status.last_maintenance_time;
    if (last && context_.clock.now() < *last + repository.spec.maintenance_frequency) return false;
    const auto location = context_.cluster.get<BackupStorageLocation>(
        repository.spec.backup_storage_location, std::move(stop));
    return location && !location->spec.is_read_only();
  }

  void maintain(const BackupRepository& repository, std::stop_token stop) {
    const Log log = context_.log.with(LogField("backupRepo", repository.metadata.name));
    kube::LeaderElector elector(
        context_.client(),
        {.ns = context_.cluster.ns(),
         .name =
             fmt::format("maintenance-{}", model::valid_repository_name(repository.metadata.name)),
         .identity = identity_},
        log);
    const auto ours = elector.try_acquire_or_renew(stop);
    if (!ours || !*ours) {
      if (!ours && !stop.stop_requested())
        log.warning("Could not take the Lease for maintenance", {{"error", ours.error()}});
      return;
    }
    model::MaintenanceRun run;
    run.start_timestamp = context_.clock.now();
    const Status done = elector.run(
        [&](std::stop_token leading) { return run_once(repository, log, std::move(leading)); },
        stop);
    if (stop.stop_requested()) return;
    run.complete_timestamp = context_.clock.now();
    run.result = done ? "Succeeded" : "Failed";
    if (!done) run.message = done.error().describe();
    context_.metrics.repository_maintained(repository.metadata.name, done.has_value(),
                                           *run.complete_timestamp - *run.start_timestamp);
    note(repository, std::move(run), log, stop);
  }

  Status run_once(const BackupRepository& repository, const Log& log, std::stop_token stop) const {
    const auto opened = TRY(open_volume_repository(context_, place_of(repository), stop));
    const volumes::MaintenanceOutcome outcome = TRY(opened->maintain(stop));
    for (const std::string& sentence : outcome.done)
      log.info("Repository maintenance", {{"done", sentence}});
    return {};
  }

  void note(const BackupRepository& repository,
            model::MaintenanceRun run,
            const Log& log,
            std::stop_token stop) {
    const bool succeeded = run.result == "Succeeded";
    if (!succeeded) log.error("Repository maintenance failed", {{"error", run.message}});
    const auto written = context_.cluster.modify<BackupRepository>(
        repository.metadata.name,
        [&](BackupRepository& now) {
          if (succeeded) now.status.last_maintenance_time = run.complete_timestamp;
          auto& runs = now.status.recent_maintenance;
          runs.push_back(run);
          if (runs.size() > kKeptRuns) runs.erase(runs.begin(), runs.end() - kKeptRuns);
        },
        stop);
    if (!written && !was_overtaken(written.error()) && !stop.stop_requested())
      log.error("Could not write the repository's status", {{"error", written.error()}});
  }

  const ServerContext context_;
  const std::string identity_;
};

}  // namespace

std::unique_ptr<Controller> make_repository_controller(const ServerContext& context) {
  return std::make_unique<RepositoryController>(context);
}

std::unique_ptr<Controller> make_maintenance_controller(const ServerContext& context) {
  return std::make_unique<MaintenanceController>(context);
}

}  // namespace lateen::server
