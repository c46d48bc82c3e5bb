#include "server/server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/memory.h"
#include "kube/discovery.h"
#include "kube/informer.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/requests.h"
#include "model/restore.h"
#include "model/restore_drill.h"
#include "model/schedule.h"
#include "net/otlp_exporter.h"
#include "objects/store_factory.h"
#include "server/announcer.h"
#include "server/backup_controllers.h"
#include "server/backup_verifier.h"
#include "server/collection_controllers.h"
#include "server/context.h"
#include "server/deletion_controller.h"
#include "server/downloads.h"
#include "server/drill_controller.h"
#include "server/endpoints.h"
#include "server/freshness.h"
#include "server/leadership.h"
#include "server/location_controller.h"
#include "server/metrics.h"
#include "server/notifications.h"
#include "server/recovery.h"
#include "server/repository_controller.h"
#include "server/repository_keys.h"
#include "server/repository_maintenance.h"
#include "server/repository_rekey.h"
#include "server/repository_verifier.h"
#include "server/request_controllers.h"
#include "server/restore_controller.h"
#include "server/restore_rights.h"
#include "server/schedule_controller.h"
#include "server/server_plugins.h"
#include "server/signing_keys.h"
#include "volumes/ebs/ebs_snapshotter.h"

namespace lateen::server {
namespace {

Status check_namespace(const ServerContext& context, std::stop_token stop) {
  auto ns = context.client().get({.gvr = {"", "v1", "namespaces"}, .name = context.cluster.ns()},
                                 {}, stop);
  if (ns) return {};
  if (!ns.error().is(Code::NotFound))
    return std::move(ns).error().wrap("looking for the server's namespace");
  return Error(Code::NotFound, "namespace {} does not exist", context.cluster.ns())
      .with_hint(fmt::format("Create it: kubectl create namespace {}", context.cluster.ns()));
}

Status check_kinds(const ServerContext& context, std::stop_token stop) {
  const kube::Discovery discovery = TRY(kube::discover(context.client(), stop));
  constexpr std::array<std::string_view, 8> kNeeded = {"backups",
                                                       "restores",
                                                       "schedules",
                                                       "backupstoragelocations",
                                                       "deletebackuprequests",
                                                       "downloadrequests",
                                                       "serverstatusrequests",
                                                       "backuprepositories"};
  std::vector<std::string> missing;
  for (const std::string_view kind : kNeeded) {
    if (discovery.find(kube::GroupResource{"velero.io", std::string(kind)}) == nullptr) {
      missing.emplace_back(kind);
    }
  }
  if (missing.empty()) return {};
  return Error(Code::NotFound, "the cluster does not serve these velero.io kinds: {}",
               fmt::join(missing, ", "))
      .with_hint("Install the custom resource definitions: lateen install --crds-only");
}

// One controller, what wakes it, and its thread.
struct Running {
  std::unique_ptr<Controller> controller;
  std::vector<std::string_view> kinds;  // plurals whose changes wake it
  Trigger trigger;
  std::jthread thread;
};

using RunningList = std::vector<std::unique_ptr<Running>>;

void add(RunningList& list,
         const ServerConfig& config,
         std::unique_ptr<Controller> controller,
         std::vector<std::string_view> kinds) {
  const std::vector<std::string>& disabled = config.disabled_controllers;
  if (std::find(disabled.begin(), disabled.end(), controller->name()) != disabled.end()) return;
  auto running = std::make_unique<Running>();
  running->controller = std::move(controller);
  running->kinds = std::move(kinds);
  list.push_back(std::move(running));
}

// Where its kind is installed: Velero's definitions alone are enough for all the rest.
void add_drills(RunningList& list, const ServerContext& context) {
  if (serves_drills(context, {}))
    add(list, context.config, make_drill_controller(context), {model::RestoreDrill::kKind.plural});
}

bool has_drills(const RunningList& list) {
  return std::any_of(list.begin(), list.end(), [](const auto& running) {
    return !running->kinds.empty() && running->kinds.front() == model::RestoreDrill::kKind.plural;
  });
}

RunningList make_controllers(const ServerContext& context, const DownloadServer& downloads) {
  const ServerConfig& config = context.config;
  RunningList list;
  add(list, config, make_location_controller(context), {"backupstoragelocations"});
  add(list, config, make_backup_queue_controller(context), {"backups"});
  for (std::size_t i = 0; i < config.concurrent_backups; ++i)
    add(list, config, make_backup_controller(context), {"backups"});
  add(list, config, make_backup_operations_controller(context), {"backups"});
  add(list, config, make_backup_finalizer_controller(context), {"backups"});
  add(list, config, make_restore_controller(context), {"restores"});
  add(list, config, make_schedule_controller(context), {"schedules"});
  add(list, config, make_gc_controller(context), {});
  add(list, config, make_deletion_controller(context), {"deletebackuprequests"});
  add(list, config, make_sync_controller(context), {"backupstoragelocations"});
  add(list, config, make_download_controller(context, downloads), {"downloadrequests"});
  add(list, config, make_repository_controller(context),
      {"backuprepositories", "backupstoragelocations"});
  add(list, config, make_maintenance_controller(context), {"backuprepositories"});
  add(list, config, make_rekey_controller(context), {"backuprepositories"});
  add(list, config, make_status_controller(context), {"serverstatusrequests"});
  if (config.verify_frequency > Duration::zero())
    add(list, config, make_verify_controller(context), {});
  if (config.repository_verify_period > Duration::zero())
    add(list, config, make_repository_verify_controller(context), {});
  add_drills(list, context);
  add(list, config, make_freshness_controller(context), {});
  return list;
}

// Controllers use but the fact of a change, and the announcer the phase.
void keep_name_and_phase(Json& object) {
  JsonObject metadata;
  for (const char* field : {"name", "namespace", "uid", "resourceVersion"})
    metadata[field] = string_at(object, fmt::format("metadata.{}", field));
  JsonObject kept;
  kept["metadata"] = std::move(metadata);
  kept["status"] = JsonObject{{"phase", string_at(object, "status.phase")}};
  object = std::move(kept);
}

// Follows a kind and wakes the controllers that asked for it.
std::unique_ptr<kube::Informer> follow(const ServerContext& context,
                                       std::string_view plural,
                                       const RunningList& list,
                                       std::string_view group = model::kGroup) {
  kube::InformerOptions options;
  options.trim = keep_name_and_phase;
  options.log = context.log;
  auto informer = std::make_unique<kube::Informer>(
      context.client(),
      kube::ObjectPath{.gvr = {std::string(group), "v1", std::string(plural)},
                       .ns = context.cluster.ns()},
      std::move(options));
  std::vector<Trigger*> woken;
  for (const auto& running : list) {
    const auto& kinds = running->kinds;
    if (std::find(kinds.begin(), kinds.end(), plural) != kinds.end())
      woken.push_back(&running->trigger);
  }
  informer->on_change([woken, plural, announcer = context.announcer](const kube::Change& change) {
    if (announcer != nullptr) announcer->changed(plural, change);
    for (Trigger* trigger : woken)
      trigger->fire();
  });
  informer->start();
  return informer;
}

// How long what is being done when we are told to stop may go on: a backup of a few seconds is
// finished, one of hours is left to the next server. Kubernetes gives a pod 30 s to end.
constexpr std::chrono::seconds kFinishWithin{10};

// The threads of the controllers, and how they end.
class ControllerThreads {
 public:
  explicit ControllerThreads(const RunningList& controllers) : controllers_(controllers) {
    for (const auto& running : controllers_) {
      running->thread = std::jthread([this, one = running.get()](std::stop_token end) {
        run_controller(*one->controller, one->trigger, end, stop_.get_token());
        ++ended_;
        one_ended_.fire();
      });
    }
  }

  ControllerThreads(const ControllerThreads&) = delete;
  ControllerThreads& operator=(const ControllerThreads&) = delete;

  ~ControllerThreads() {
    stop_.request_stop();
    for (const auto& running : controllers_)
      running->thread.request_stop();
    for (const auto& running : controllers_)
      running->thread.join();
  }

  // Nothing new is begun; says whether all had ended what they were at in time.
  bool finish(Duration within) {
    const Deadline deadline = Deadline::after(within);
    for (const auto& running : controllers_)
      running->thread.request_stop();
    while (ended_ < controllers_.size() && !deadline.expired())
      one_ended_.wait(deadline.remaining(), {});
    return ended_ == controllers_.size();
  }

 private:
  const RunningList& controllers_;
  std::stop_source stop_;
  std::atomic<std::size_t> ended_ = 0;
  Trigger one_ended_;
};

// The location that a flag names is the default, if it is there and none is.
void set_default_location(const ServerContext& context, std::stop_token stop) {
  const std::string& name = context.config.default_backup_location;
  auto locations = context.cluster.list<model::BackupStorageLocation>({}, stop);
  if (!locations) return;  // said by the location controller
  const bool any = std::any_of(locations->begin(), locations->end(),
                               [](const auto& location) { return location.spec.is_default; });
  if (any) return;
  auto written = context.cluster.modify<model::BackupStorageLocation>(
      name, [](model::BackupStorageLocation& now) { now.spec.is_default = true; }, stop);
  if (!written && !written.error().is(Code::NotFound)) {
    context.log.warning("Could not mark the default backup storage location",
                        {{"error", written.error()}});
  }
}

// When start-up has settled, and how often what has been worked with since may have fallen idle.
constexpr std::chrono::seconds kUntilIdle{20};
constexpr std::chrono::minutes kIdleFor{2};

// The leader's work. Told to stop, it finishes what is short; `leading` ends everything at once.
Status work(const ServerContext& context, std::stop_token leading, std::stop_token stop) {
  auto recovery =
      TRY(begin_recovery(context, leading).wrap("looking for what a former server left"));
  set_default_location(context, leading);
  TRY(ensure_repository_key(context, leading));
  TRY(ensure_signing_key(context, leading));
  const auto downloads = TRY(DownloadServer::start(context));
  RunningList controllers = make_controllers(context, *downloads);
  add(controllers, context.config, std::move(recovery), {});
  std::vector<std::unique_ptr<kube::Informer>> informers;
  for (const std::string_view kind :
       {"backups", "restores", "schedules", "backupstoragelocations", "deletebackuprequests",
        "downloadrequests", "serverstatusrequests", "backuprepositories"}) {
    informers.push_back(follow(context, kind, controllers));
  }
  if (has_drills(controllers)) {
    informers.push_back(
        follow(context, model::RestoreDrill::kKind.plural, controllers, model::kLateenGroup));
  }
  ControllerThreads threads(controllers);
  context.log.info("Server started",
                   {{"namespace", context.config.ns}, {"controllers", controllers.size()}});
  for (Duration pause = kUntilIdle; sleep_unless_stopped(pause, leading); pause = kIdleFor)
    give_back_idle_memory();
  context.log.info("Server is stopping");
  if (stop.stop_requested() && !threads.finish(kFinishWithin))
    context.log.info("What is still being done is left to the next server");
  return {};
}

}  // namespace

std::vector<std::string_view> controller_names() {
  return {"backup-storage-location",
          "backup-queue",
          "backup",
          "backup-operations",
          "backup-finalizer",
          "restore",
          "schedule",
          "gc",
          "backup-deletion",
          "backup-sync",
          "download-request",
          "server-status-request",
          "backup-repo",
          "verify",
          "restore-drill",
          "freshness"};
}

Status run_server(const ServerConfig& config,
                  kube::Client& client,
                  const Clock& clock,
                  Rng& rng,
                  const Log& log,
                  std::stop_token stop) {
  const ServerPlugins plugins = TRY(ServerPlugins::discover(config, log, stop));
  objects::StoreFactory stores = objects::StoreFactory::with_built_in();
  volumes::SnapshotterFactory snapshotters;
  volumes::ebs::add_ebs(snapshotters);
  plugins.add_to(stores, log);
  plugins.add_to(snapshotters);
  Metrics metrics;
  const auto endpoints = TRY(Endpoints::start(config, metrics, log));
  const ServerContext silent{.config = config,
                             .cluster = Cluster(client, config.ns),
                             .clock = clock,
                             .rng = rng,
                             .log = log,
                             .stores = stores,
                             .snapshotters = snapshotters,
                             .metrics = metrics,
                             .plugins = &plugins};
  const auto notifier = TRY(Notifier::start(silent));
  const auto announcer = Announcer::start(silent, notifier.get());
  std::unique_ptr<RestoreRights> rights;
  if (!config.restore_role.empty()) {
    rights = std::make_unique<RestoreRights>(
        client,
        RestoreRole{
            .role = config.restore_role, .account = config.service_account, .ns = config.ns},
        log);
  }
  ServerContext context = silent;
  context.restore_rights = rights.get();
  context.tracer = {.sink = TRY(net::start_otlp_exporter(
                        TRY(net::otlp_options(config.otlp_endpoint, "lateen-server")), log)),
                    .clock = &clock,
                    .rng = &rng};
  context.notifier = notifier.get();
  context.announcer = announcer.get();
  TRY(check_namespace(context, stop));
  TRY(check_kinds(context, stop));

  endpoints->set_ready();
  return run_as_leader(
      context, [&](std::stop_token leading) { return work(context, std::move(leading), stop); },
      stop);
}

}  // namespace lateen::server
