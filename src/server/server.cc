#include "server/server.h"

#include <algorithm>
#include <array>
#include <thread>

#include "kube/discovery.h"
#include "kube/informer.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/requests.h"
#include "model/restore.h"
#include "model/schedule.h"
#include "objects/store_factory.h"
#include "server/backup_controllers.h"
#include "server/collection_controllers.h"
#include "server/context.h"
#include "server/deletion_controller.h"
#include "server/downloads.h"
#include "server/listen.h"
#include "server/location_controller.h"
#include "server/metrics.h"
#include "server/recovery.h"
#include "server/repository_controller.h"
#include "server/request_controllers.h"
#include "server/restore_controller.h"
#include "server/schedule_controller.h"
#include "server/server_plugins.h"
#include "server/volume_repositories.h"
#include "volumes/ebs/ebs_snapshotter.h"

namespace lateen::server {
namespace {

class MetricsHandler final : public net::HttpHandler {
 public:
  explicit MetricsHandler(const Metrics& metrics) : metrics_(metrics) {}

  void serve(net::ServerExchange& exchange) override {
    net::HttpResponse response;
    if (exchange.request().path == "/metrics") {
      response.status = 200;
      response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      response.body = metrics_.text();
    } else {
      response.status = 404;
      response.body = "404 page not found\n";
    }
    (void)exchange.respond(std::move(response));  // a scraper that has gone comes again
  }

 private:
  const Metrics& metrics_;
};

Result<std::unique_ptr<net::HttpServer>> serve_metrics(const ServerConfig& config,
                                                       MetricsHandler& handler,
                                                       const Log& log) {
  if (config.metrics_address.empty()) return std::unique_ptr<net::HttpServer>();
  const ListenAddress address =
      TRY(parse_listen_address(config.metrics_address).wrap("flag --metrics-address"));
  net::HttpServerOptions options;
  options.address = address.host;
  options.port = address.port;
  options.log = log;
  return net::HttpServer::start(options, handler);
}

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
  add(list, config, make_maintenance_controller(context), {});
  add(list, config, make_status_controller(context), {"serverstatusrequests"});
  return list;
}

// Follows a kind and wakes the controllers that asked for it.
std::unique_ptr<kube::Informer> follow(const ServerContext& context,
                                       std::string_view plural,
                                       const RunningList& list) {
  kube::InformerOptions options;
  // Only the fact of a change is used: what is kept need not hold more than a name.
  options.trim = [](Json& object) {
    erase(object, "spec");
    erase(object, "status");
    erase(object, "metadata.managedFields");
  };
  options.log = context.log;
  auto informer = std::make_unique<kube::Informer>(
      context.client(),
      kube::ObjectPath{.gvr = {"velero.io", "v1", std::string(plural)}, .ns = context.cluster.ns()},
      std::move(options));
  std::vector<Trigger*> woken;
  for (const auto& running : list) {
    const auto& kinds = running->kinds;
    if (std::find(kinds.begin(), kinds.end(), plural) != kinds.end())
      woken.push_back(&running->trigger);
  }
  informer->on_change([woken](const kube::Change&) {
    for (Trigger* trigger : woken)
      trigger->fire();
  });
  informer->start();
  return informer;
}

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
          "backup-repo"};
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
  const ServerContext context{.config = config,
                              .cluster = Cluster(client, config.ns),
                              .clock = clock,
                              .rng = rng,
                              .log = log,
                              .stores = stores,
                              .snapshotters = snapshotters,
                              .metrics = metrics,
                              .plugins = &plugins};
  TRY(check_namespace(context, stop));
  TRY(check_kinds(context, stop));
  TRY(recover(context, stop).wrap("recovering what a former server left"));
  set_default_location(context, stop);
  TRY(ensure_repository_key(context, stop));

  MetricsHandler metrics_handler(metrics);
  const auto metrics_server = TRY(serve_metrics(config, metrics_handler, log));
  const auto downloads = TRY(DownloadServer::start(context));
  const RunningList controllers = make_controllers(context, *downloads);
  std::vector<std::unique_ptr<kube::Informer>> informers;
  for (const std::string_view kind :
       {"backups", "restores", "schedules", "backupstoragelocations", "deletebackuprequests",
        "downloadrequests", "serverstatusrequests", "backuprepositories"}) {
    informers.push_back(follow(context, kind, controllers));
  }
  for (const auto& running : controllers) {
    running->thread = std::jthread([one = running.get()](std::stop_token own) {
      run_controller(*one->controller, one->trigger, own);
    });
  }
  log.info("Server started", {{"namespace", config.ns}, {"controllers", controllers.size()}});
  while (sleep_unless_stopped(std::chrono::hours(1), stop)) {
  }
  log.info("Server is stopping");
  for (const auto& running : controllers)
    running->thread.request_stop();
  return {};
}

}  // namespace lateen::server
