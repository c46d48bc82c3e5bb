#include "server/repository_maintenance.h"

#include <algorithm>

#include "base/random.h"
#include "kube/lease.h"
#include "kube/object.h"
#include "model/locations.h"
#include "model/names.h"
#include "server/listing.h"
#include "server/maintenance_job.h"
#include "server/metrics.h"
#include "server/own_deployment.h"
#include "server/volume_repositories.h"
#include "volumes/repository_settings.h"

namespace lateen::server {
namespace {

using model::BackupRepository;
using model::BackupStorageLocation;

constexpr Duration kBetweenRounds = std::chrono::minutes(5);
constexpr Duration kWhileJobsRun = std::chrono::seconds(2);
constexpr Duration kShortestRound = std::chrono::seconds(1);

const kube::GroupVersionResource kMaintenanceJobs{"batch", "v1", "jobs"};

// What people say of the repository may have changed since it was made.
Status keep_to_settings(volumes::VolumeRepository& opened,
                        const BackupRepository& repository,
                        const Log& log,
                        std::stop_token stop) {
  const auto settings = volumes::RepositorySettings::parse(repository.spec.repository_config);
  if (!settings) {
    log.warning("spec.repositoryConfig cannot be used", {{"error", settings.error()}});
    return {};
  }
  if (!settings->full_maintenance) return {};
  return opened.set_full_interval(*settings->full_maintenance, std::move(stop));
}

Status run_maintenance(const ServerContext& context,
                       const BackupRepository& repository,
                       const Log& log,
                       std::stop_token stop) {
  const auto opened = TRY(open_volume_repository(context, place_of(repository), stop));
  TRY(keep_to_settings(*opened, repository, log, stop));
  const volumes::MaintenanceOutcome outcome = TRY(opened->maintain(stop));
  for (const std::string& sentence : outcome.done)
    log.info("Repository maintenance", {{"done", sentence}});
  return {};
}

class MaintenanceController final : public Controller {
 public:
  explicit MaintenanceController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-repo"; }

  Duration period() const override {
    return std::clamp<Duration>(next_ - context_.clock.now(), kShortestRound,
                                running_ ? kWhileJobsRun : kBetweenRounds);
  }

  void reconcile(std::stop_token stop) override {
    const auto all = list_all<BackupRepository>(context_, stop);
    if (!all) return;
    running_ = false;
    next_ = context_.clock.now() + kBetweenRounds;
    const std::vector<Json> jobs = list_jobs(stop);
    for (const BackupRepository& repository : *all) {
      if (stop.stop_requested()) return;
      const bool at_work = take_up(repository, jobs, stop);
      running_ = running_ || at_work;
      if (!at_work && is_due(repository, stop)) {
        begin(repository, stop);
      } else if (repository.status.last_maintenance_time) {
        const TimePoint due =
            *repository.status.last_maintenance_time + repository.spec.maintenance_frequency;
        if (due > context_.clock.now()) next_ = std::min(next_, due);
      }
    }
  }

 private:
  bool is_due(const BackupRepository& repository, std::stop_token stop) const {
    // As it is now: what a Job did may just have been noted.
    const auto now = context_.cluster.get<BackupRepository>(repository.metadata.name, stop);
    if (!now || !is_maintenance_due(*now, context_.clock.now())) return false;
    const auto location = context_.cluster.get<BackupStorageLocation>(
        repository.spec.backup_storage_location, std::move(stop));
    return location && !location->spec.is_read_only();
  }

  // Oldest first. None where they cannot be listed: maintenance that runs is fenced by its Lease.
  std::vector<Json> list_jobs(std::stop_token stop) const {
    const auto list =
        context_.client().list({.gvr = kMaintenanceJobs, .ns = context_.cluster.ns()},
                               {.label_selector = std::string(kRepositoryNameLabel)}, stop);
    const JsonArray* items = list ? array_at(*list, "items") : nullptr;
    if (items == nullptr) return {};
    std::vector<Json> jobs(items->begin(), items->end());
    std::stable_sort(jobs.begin(), jobs.end(), [](const Json& a, const Json& b) {
      return string_at(a, "metadata.creationTimestamp") <
             string_at(b, "metadata.creationTimestamp");
    });
    return jobs;
  }

  std::optional<Json> pod_of(const Json& job, std::stop_token stop) const {
    const auto pods = context_.client().list(
        {.gvr = {"", "v1", "pods"}, .ns = context_.cluster.ns()},
        {.label_selector = fmt::format("job-name={}", kube::name_of(job))}, std::move(stop));
    const JsonArray* items = pods ? array_at(*pods, "items") : nullptr;
    return items == nullptr || items->empty() ? std::nullopt : std::optional(items->front());
  }

  // Notes how a repository's Jobs ended, and removes those that are too many. Says whether one is
  // still at work.
  bool take_up(const BackupRepository& repository,
               const std::vector<Json>& jobs,
               std::stop_token stop) {
    const std::string label = model::valid_repository_name(repository.metadata.name);
    std::vector<const Json*> ended;
    bool at_work = false;
    for (const Json& job : jobs) {
      if (kube::label_of(job, kRepositoryNameLabel) != label) continue;
      if (ended_run(job, nullptr)) {
        ended.push_back(&job);
      } else {
        at_work = true;
      }
    }
    if (ended.empty()) return at_work;
    for (const Json* job : ended) {
      const auto pod = pod_of(*job, stop);
      note(repository, *ended_run(*job, pod ? &*pod : nullptr), stop);
    }
    const auto settings = settings_of(repository, stop);
    const std::size_t keep = settings ? settings->keep : context_.config.maintenance.keep_jobs;
    for (std::size_t i = 0; i + keep < ended.size(); ++i) {
      // What is still there is removed in the next round.
      (void)context_.client().remove({.gvr = kMaintenanceJobs,
                                      .ns = context_.cluster.ns(),
                                      .name = std::string(kube::name_of(*ended[i]))},
                                     {}, stop);
    }
    return at_work;
  }

  Result<MaintenanceJobSettings> settings_of(const BackupRepository& repository,
                                             std::stop_token stop) const {
    const MaintenanceConfig& config = context_.config.maintenance;
    if (config.config_map.empty()) return MaintenanceJobSettings::of(config, nullptr, repository);
    const auto map = context_.client().get(
        {.gvr = {"", "v1", "configmaps"}, .ns = context_.cluster.ns(), .name = config.config_map},
        {}, std::move(stop));
    if (!map && !map.error().is(Code::NotFound)) return Error(map.error());
    return MaintenanceJobSettings::of(config, map ? &*map : nullptr, repository)
        .wrap("ConfigMap {}", config.config_map);
  }

  // Jobs have no plugins: what only they can reach is maintained here.
  bool may_be_job(const BackupRepository& repository, std::stop_token stop) const {
    if (context_.config.maintenance.in_process) return false;
    static const objects::StoreFactory kBuiltIn = objects::StoreFactory::with_built_in();
    const auto location = context_.cluster.get<BackupStorageLocation>(
        repository.spec.backup_storage_location, std::move(stop));
    return location && kBuiltIn.has(location->spec.provider);
  }

  void begin(const BackupRepository& repository, std::stop_token stop) {
    const Log log = context_.log.with(LogField("backupRepo", repository.metadata.name));
    if (may_be_job(repository, stop)) {
      const auto deployment = own_deployment(context_, stop);
      if (!deployment) {
        log.error("Could not begin maintenance", {{"error", deployment.error()}});
        return;
      }
      if (*deployment) {
        const Status begun = begin_job(repository, **deployment, stop);
        if (begun) log.info("Maintenance begins in a Job");
        if (!begun && !stop.stop_requested())
          log.error("Could not begin maintenance", {{"error", begun.error()}});
        running_ = running_ || begun.has_value();
        return;
      }
    }
    maintain_here(repository, log, std::move(stop));
  }

  Status begin_job(const BackupRepository& repository,
                   const Json& deployment,
                   std::stop_token stop) {
    const MaintenanceJobSettings settings = TRY(settings_of(repository, stop));
    const Json job = TRY(
        maintenance_job(repository, deployment, settings, context_.config, context_.clock.now()));
    TRY(context_.client().create({.gvr = kMaintenanceJobs, .ns = context_.cluster.ns()}, job, {},
                                 stop));
    return {};
  }

  void maintain_here(const BackupRepository& repository, const Log& log, std::stop_token stop) {
    model::MaintenanceRun run;
    run.start_timestamp = context_.clock.now();
    const Status done = maintain_repository(context_, repository, log, stop);
    if (stop.stop_requested()) return;
    if (!done && done.error().is(Code::Conflict)) {
      log.info("Maintenance waits", {{"reason", done.error().message()}});
      return;
    }
    run.complete_timestamp = context_.clock.now();
    run.result = done ? "Succeeded" : "Failed";
    if (!done) run.message = done.error().describe();
    note(repository, std::move(run), std::move(stop));
  }

  // Once for each run, however often it is called.
  void note(const BackupRepository& repository,
            const model::MaintenanceRun& run,
            std::stop_token stop) {
    bool is_new = false;
    const auto written = context_.cluster.modify<BackupRepository>(
        repository.metadata.name,
        [&](BackupRepository& now) {
          const auto runs = with_run(now.status.recent_maintenance, run);
          is_new = runs != now.status.recent_maintenance;
          if (!is_new) return;
          now.status.recent_maintenance = runs;
          if (run.result == "Succeeded") now.status.last_maintenance_time = run.complete_timestamp;
        },
        stop);
    const Log log = context_.log.with(LogField("backupRepo", repository.metadata.name));
    if (!written && !was_overtaken(written.error()) && !stop.stop_requested())
      log.error("Could not write the repository's status", {{"error", written.error()}});
    if (!written || !is_new) return;
    const bool succeeded = run.result == "Succeeded";
    if (!succeeded) log.error("Repository maintenance failed", {{"error", run.message}});
    const Duration took = run.complete_timestamp && run.start_timestamp
                              ? Duration(*run.complete_timestamp - *run.start_timestamp)
                              : Duration::zero();
    context_.metrics.repository_maintained(repository.metadata.name, succeeded, took);
  }

  const ServerContext context_;
  bool running_ = false;  // a Job, as far as was seen
  TimePoint next_ = {};   // when something is due
};

}  // namespace

Status maintain_repository(const ServerContext& context,
                           const BackupRepository& repository,
                           const Log& log,
                           std::stop_token stop) {
  kube::LeaderElector elector(
      context.client(),
      {.ns = context.cluster.ns(),
       .name =
           fmt::format("maintenance-{}", model::valid_repository_name(repository.metadata.name)),
       .identity = fmt::format("maintenance-{}", uuid4(context.rng))},
      log);
  const bool ours = TRY(elector.try_acquire_or_renew(stop).wrap("taking the Lease"));
  if (!ours) {
    return Error(Code::Conflict, "{} is at the maintenance of this repository", elector.holder())
        .with_hint("One at a time: the next one is due when it has ended.");
  }
  return elector.run(
      [&](std::stop_token leading) {
        return run_maintenance(context, repository, log, std::move(leading));
      },
      stop);
}

std::unique_ptr<Controller> make_maintenance_controller(const ServerContext& context) {
  return std::make_unique<MaintenanceController>(context);
}

}  // namespace lateen::server
