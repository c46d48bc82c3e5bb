#include "agent/agent.h"

#include "agent/data_downloads.h"
#include "agent/data_uploads.h"
#include "agent/data_work.h"
#include "agent/pod_volume_backups.h"
#include "agent/pod_volume_restores.h"
#include "agent/settings_source.h"
#include "agent/throttle.h"
#include "base/memory.h"
#include "kube/informer.h"
#include "kube/lease.h"
#include "kube/object.h"
#include "server/local_context.h"
#include "volumes/node_agent.h"

namespace lateen::agent {
namespace {

struct Running {
  std::unique_ptr<server::Controller> controller;
  server::Trigger trigger;
  std::jthread thread;
  std::vector<std::unique_ptr<kube::Informer>> informers;
};

Status check_node(const AgentConfig& config, const Json& node, const Log& log) {
  if (kube::name_of(node) != config.node)
    return Error(Code::Internal, "asked for node {}, got {}", config.node, kube::name_of(node));
  if (!path_exists(config.host_pods)) {
    log.warning("Kubelet's folder of pods is not there: no volume can be copied before it is",
                {{"path", config.host_pods.string()}});
  }
  return {};
}

// Follows a kind and wakes its controller.
void follow(Running& running, const AgentContext& context, const kube::GroupVersionResource& kind) {
  kube::InformerOptions options;
  options.trim = [](Json& object) {
    erase(object, "spec");
    erase(object, "status");
    erase(object, "metadata.managedFields");
  };
  options.log = context.server.log;
  auto informer = std::make_unique<kube::Informer>(
      context.client(), kube::ObjectPath{.gvr = kind, .ns = context.config.ns}, std::move(options));
  informer->on_change([&running](const kube::Change&) { running.trigger.fire(); });
  informer->start();
  running.informers.push_back(std::move(informer));
}

// What the work may take: volumes at once, and what each has.
struct Room {
  std::size_t volumes = 1;
  volumes::EngineLimits limits = {};
};

// As much memory as was said, or the most of what the container has: the kernel's own pages for it
// count there, too.
MemoryPlan plan_memory(const AgentConfig& config, std::size_t asked, const Log& log) {
  const ByteCount container = memory_limit().value_or(0);
  const ByteCount limit = config.memory != 0 ? config.memory : container / 5 * 4;
  const MemoryPlan plan = MemoryPlan::of(limit, asked);
  if (plan.volumes < asked) {
    log.warning("There is not memory for as many volumes at once as loadConcurrency says",
                {{"memory", limit}, {"asked", asked}, {"volumes", plan.volumes}});
  }
  return plan;
}

Status serve(const AgentConfig& config,
             const server::ServerContext& server,
             const AgentSettings& settings,
             AgentMetrics& metrics,
             const Room& room,
             std::stop_token stop) {
  std::vector<std::unique_ptr<Running>> all;
  WorkBoard board(room.volumes);  // its work is the controllers', and ends before them
  const AgentContext context{.config = config,
                             .server = server,
                             .board = board,
                             .settings = settings,
                             .metrics = metrics,
                             .limits = room.limits};
  const auto add = [&](std::unique_ptr<server::Controller> controller,
                       const kube::GroupVersionResource& kind) {
    auto running = std::make_unique<Running>();
    running->controller = std::move(controller);
    follow(*running, context, kind);
    all.push_back(std::move(running));
  };
  add(make_pod_volume_backup_controller(context), {"velero.io", "v1", "podvolumebackups"});
  add(make_pod_volume_restore_controller(context), {"velero.io", "v1", "podvolumerestores"});
  add(make_data_upload_controller(context), {"velero.io", "v2alpha1", "datauploads"});
  add(make_data_download_controller(context), {"velero.io", "v2alpha1", "datadownloads"});
  board.on_end([&all] {
    for (const auto& running : all)
      running->trigger.fire();
  });
  for (const auto& running : all) {
    running->thread = std::jthread([one = running.get()](std::stop_token own) {
      server::run_controller(*one->controller, one->trigger, own, own);
    });
  }
  server.log.info("Node agent started", {{"node", config.node}, {"concurrency", room.volumes}});
  while (sleep_unless_stopped(std::chrono::hours(1), stop)) {
  }
  server.log.info("Node agent is stopping");
  for (const auto& running : all)
    running->thread.request_stop();
  for (const auto& running : all)
    running->thread.join();
  return {};
}

}  // namespace

Status run_agent(const AgentConfig& config,
                 kube::Client& client,
                 const Clock& clock,
                 Rng& rng,
                 const Log& log,
                 std::stop_token stop) {
  const Json node = TRY(client.get({.gvr = {"", "v1", "nodes"}, .name = config.node}, {}, stop)
                            .wrap("looking for this node, see --node-name"));
  TRY(check_node(config, node, log));
  AgentSettings settings =
      TRY(read_settings(client, config.ns, config.settings_configmap, log, stop));
  TRY(complete_cache_claim(client, config, settings, log, stop));
  const server::LocalContext local(client, config.ns, clock, rng, log);
  const kube::Labels labels = kube::to_labels(kube::labels_of(node));
  const MemoryPlan memory = plan_memory(config, settings.concurrency(labels), log);
  Throttle throttle(TRY(LimitPlan::parse(settings.limits, labels, config.limits)), memory.each,
                    clock, log);
  const Room room{.volumes = memory.volumes, .limits = throttle.limits()};
  AgentMetrics metrics(config.node);
  const auto served_at = metrics.serve(config.metrics_address, log);
  if (!served_at && !config.metrics_optional) return served_at.error();
  if (!served_at) log.warning("No metrics are served", {{"error", served_at.error()}});
  kube::LeaderElector elector(client,
                              {.ns = config.ns,
                               .name = volumes::node_agent_lease(config.node),
                               .identity = fmt::format("{}-{}", config.node, uuid4(rng))},
                              log);
  while (!stop.stop_requested()) {
    const Status served = elector.run(
        [&](std::stop_token leading) {
          return serve(config, local.get(), settings, metrics, room, std::move(leading));
        },
        stop);
    // The API server could not be asked for a while: what was going on begins again.
    if (!served && served.error().is(Code::Unavailable) && !stop.stop_requested()) {
      log.warning("The node agent lost its Lease", {{"error", served.error()}});
      continue;
    }
    if (!served && !stop.stop_requested()) return served;
  }
  return {};
}

}  // namespace lateen::agent
