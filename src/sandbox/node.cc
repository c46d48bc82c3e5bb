#include "sandbox/node.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/cron_jobs.h"
#include "sandbox/controllers/daemon_sets.h"
#include "sandbox/controllers/deployments.h"
#include "sandbox/controllers/disruption.h"
#include "sandbox/controllers/endpoints.h"
#include "sandbox/controllers/garbage_collector.h"
#include "sandbox/controllers/jobs.h"
#include "sandbox/controllers/namespaces.h"
#include "sandbox/controllers/node_lifecycle.h"
#include "sandbox/controllers/quotas.h"
#include "sandbox/controllers/replica_sets.h"
#include "sandbox/controllers/scheduler.h"
#include "sandbox/controllers/snapshots.h"
#include "sandbox/controllers/stateful_sets.h"
#include "sandbox/controllers/volume_binder.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kSyncWait = std::chrono::seconds(30);
constexpr Duration kHeartbeat = std::chrono::seconds(10);
constexpr std::string_view kNodeLeases = "kube-node-lease";
constexpr std::string_view kManager = "lateen-sandbox";
constexpr std::string_view kDefaultStorageClass = "standard";

std::vector<std::string> environment_of(const NodeOptions& options) {
  if (options.api_host.empty()) return {};
  return {fmt::format("KUBERNETES_SERVICE_HOST={}", options.api_host),
          fmt::format("KUBERNETES_SERVICE_PORT={}", options.api_port),
          fmt::format("KUBERNETES_SERVICE_PORT_HTTPS={}", options.api_port)};
}

Json namespace_object(std::string_view name) {
  return JsonObject{
      {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", JsonObject{{"name", name}}}};
}

Json storage_class(std::string_view name, std::string_view driver, std::string_view binding_mode) {
  Json out = JsonObject{{"apiVersion", "storage.k8s.io/v1"},
                        {"kind", "StorageClass"},
                        {"metadata", JsonObject{{"name", name}}},
                        {"provisioner", driver},
                        {"reclaimPolicy", "Delete"},
                        {"volumeBindingMode", binding_mode},
                        {"allowVolumeExpansion", driver == kDriverName}};
  if (name == kDefaultStorageClass)
    kube::set_annotation(out, "storageclass.kubernetes.io/is-default-class", "true");
  return out;
}

Json snapshot_class() {
  Json out = JsonObject{{"apiVersion", "snapshot.storage.k8s.io/v1"},
                        {"kind", "VolumeSnapshotClass"},
                        {"metadata", JsonObject{{"name", "sandbox-snapshots"}}},
                        {"driver", kDriverName},
                        {"deletionPolicy", "Delete"}};
  kube::set_annotation(out, "snapshot.storage.kubernetes.io/is-default-class", "true");
  // By this label Velero finds the class of a driver.
  kube::set_label(out, "velero.io/csi-volumesnapshot-class", "true");
  return out;
}

Json csi_driver(std::string_view name) {
  return JsonObject{{"apiVersion", "storage.k8s.io/v1"},
                    {"kind", "CSIDriver"},
                    {"metadata", JsonObject{{"name", name}}},
                    {"spec", JsonObject{{"attachRequired", false},
                                        {"podInfoOnMount", false},
                                        {"fsGroupPolicy", "ReadWriteOnceWithFSType"},
                                        {"volumeLifecycleModes", JsonArray{"Persistent"}}}}};
}

JsonObject resources_of_machine() {
  const std::int64_t memory =
      static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / 1024;
  return {{"cpu", fmt::format("{}", hardware_threads())},
          {"memory", fmt::format("{}Ki", memory)},
          {"pods", "1000"}};
}

Json node_object() {
  return JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Node"},
      {"metadata",
       JsonObject{{"name", kNodeName},
                  {"labels", JsonObject{{"kubernetes.io/hostname", kNodeName},
                                        {"kubernetes.io/os", "linux"},
                                        {"kubernetes.io/arch", "amd64"},
                                        {"topology.kubernetes.io/zone", "sandbox"},
                                        {"topology.kubernetes.io/region", "sandbox"}}}}},
      {"spec", JsonObject()}};
}

Json node_status(TimePoint now, const Json* before) {
  const std::string time = format_rfc3339(now);
  const Json* ready = before != nullptr ? kube::find_condition(*before, "Ready") : nullptr;
  utsname machine{};
  (void)uname(&machine);
  return JsonObject{
      {"capacity", resources_of_machine()},
      {"allocatable", resources_of_machine()},
      {"addresses", JsonArray{JsonObject{{"type", "InternalIP"}, {"address", kHostIp}},
                              JsonObject{{"type", "Hostname"}, {"address", kNodeName}}}},
      {"conditions",
       JsonArray{JsonObject{
           {"type", "Ready"},
           {"status", "True"},
           {"reason", "KubeletReady"},
           {"message", "the sandbox is running"},
           {"lastHeartbeatTime", time},
           {"lastTransitionTime",
            ready != nullptr ? string_at(*ready, "lastTransitionTime") : std::string_view(time)}}}},
      {"nodeInfo", JsonObject{{"machineID", ""},
                              {"systemUUID", ""},
                              {"bootID", ""},
                              {"kernelVersion", machine.release},
                              {"osImage", machine.sysname},
                              {"containerRuntimeVersion", "lateen-sandbox://0"},
                              {"kubeletVersion", "v1.32.0"},
                              {"kubeProxyVersion", "v1.32.0"},
                              {"operatingSystem", "linux"},
                              {"architecture", machine.machine}}}};
}

}  // namespace

Node::Node(Api& api, NodeOptions options, const Log& log, const Clock& clock)
    : api_(api),
      options_(std::move(options)),
      clock_(clock),
      caches_(api, log),
      context_{
          .api = api, .caches = caches_, .clock = clock, .log = log, .faults = options_.faults},
      kubelet_(api,
               {.pods = caches_.pods, .services = caches_.services, .endpoints = caches_.endpoints},
               clock,
               log,
               {.dir = options_.dir,
                .program = options_.program,
                .records_only = options_.records_only,
                .extra_env = environment_of(options_),
                .images = options_.images,
                .tokens = options_.tokens}),
      proxy_(caches_.services, caches_.endpoints, log) {
  make_controllers();
}

Node::~Node() {
  stop();
}

void Node::make_controllers() {
  controllers_.push_back(std::make_unique<NamespaceController>(context_));
  controllers_.push_back(std::make_unique<NamespaceDefaultsController>(context_, options_.ca_pem));
  controllers_.push_back(std::make_unique<VolumeBinder>(context_, kubelet_.volumes()));
  controllers_.push_back(std::make_unique<SnapshotController>(context_));
  controllers_.push_back(std::make_unique<SnapshotContentController>(context_, kubelet_.volumes()));
  controllers_.push_back(std::make_unique<Scheduler>(context_));
  controllers_.push_back(std::make_unique<ReplicaSetController>(context_));
  controllers_.push_back(std::make_unique<DeploymentController>(context_));
  controllers_.push_back(std::make_unique<StatefulSetController>(context_));
  controllers_.push_back(std::make_unique<DaemonSetController>(context_));
  controllers_.push_back(std::make_unique<JobController>(context_));
  controllers_.push_back(std::make_unique<CronJobController>(context_));
  controllers_.push_back(std::make_unique<EndpointController>(context_));
  controllers_.push_back(std::make_unique<DisruptionController>(context_));
  controllers_.push_back(std::make_unique<QuotaController>(context_));
  auto collector = std::make_unique<GarbageCollector>(context_);
  collector_ = collector.get();
  controllers_.push_back(std::move(collector));
  auto lifecycle = std::make_unique<NodeLifecycleController>(context_, [this](bool lost) {
    lost_ = lost;
    kubelet_.set_lost(lost);
  });
  lifecycle_ = lifecycle.get();
  controllers_.push_back(std::move(lifecycle));
}

Status Node::start() {
  TRY(kubelet_.start());
  TRY(ensure_objects());
  caches_.start();
  if (!caches_.wait_synced(Deadline::after(kSyncWait), {})) {
    return Error(Code::DeadlineExceeded,
                 "the sandbox's controllers do not get to know the cluster");
  }
  for (const std::unique_ptr<Controller>& controller : controllers_)
    controller->start();
  collector_->start_following();
  if (options_.faults != nullptr) options_.faults->on_change([this] { lifecycle_->look(); });
  // Records need no way to each other.
  if (why_records_only().empty()) TRY(proxy_.start());
  heartbeat_ = std::jthread([this](std::stop_token stop) { keep_heartbeat(std::move(stop)); });
  return Status();
}

void Node::stop() {
  if (options_.faults != nullptr) options_.faults->on_change(nullptr);
  heartbeat_.request_stop();
  if (heartbeat_.joinable()) heartbeat_.join();
  collector_->stop_following();
  for (const std::unique_ptr<Controller>& controller : controllers_)
    controller->stop();
  proxy_.stop();
  kubelet_.stop();
  caches_.stop();
}

Status Node::ensure_objects() {
  for (const std::string_view ns : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    TRY(ensure(resources::kNamespaces, "", namespace_object(ns)));
  }
  TRY(ensure(resources::kNodes, "", node_object()));
  TRY(ensure(resources::kStorageClasses, "",
             storage_class(kDefaultStorageClass, kDriverName, "Immediate")));
  TRY(ensure(resources::kStorageClasses, "",
             storage_class("standard-wait", kDriverName, "WaitForFirstConsumer")));
  TRY(ensure(resources::kStorageClasses, "",
             storage_class("sandbox-efs", kSharedDriverName, "Immediate")));
  for (const std::string_view driver : {kDriverName, kSharedDriverName})
    TRY(ensure(resources::kCsiDrivers, "", csi_driver(driver)));
  TRY(ensure(resources::kVolumeSnapshotClasses, "", snapshot_class()));
  auto status = api_.modify(
      resources::kNodes, "", kNodeName,
      [&](Json& node) -> Result<bool> {
        const Json before = node;
        node.as_object()["status"] = node_status(clock_.now(), &before);
        return true;
      },
      write_status_as("kubelet"));
  if (!status) return Error(status.error());
  return Status();
}

Status Node::ensure(const kube::GroupVersionResource& gvr, const std::string& ns, Json object) {
  const std::string object_name(kube::name_of(object));
  auto made = api_.create(gvr, ns, std::move(object), write_as(kManager));
  if (made || made.error().is(Code::AlreadyExists)) return Status();
  return Error(made.error()).wrap("making {} {}", gvr.resource, object_name);
}

// As a kubelet shows that it lives: its Lease, renewed.
void Node::keep_heartbeat(std::stop_token stop) {
  for (; !stop.stop_requested(); (void)sleep_unless_stopped(kHeartbeat, stop)) {
    if (lost_) continue;
    const std::string time = format_rfc3339_micro(clock_.now());
    const Json spec = JsonObject{
        {"holderIdentity", kNodeName}, {"leaseDurationSeconds", 40}, {"renewTime", time}};
    const Json patch = JsonObject{{"spec", spec}};
    auto renewed = api_.patch(resources::kLeases, kNodeLeases, kNodeName, PatchType::Merge, patch,
                              write_as("kubelet"));
    if (!renewed && renewed.error().is(Code::NotFound)) {
      Json lease =
          JsonObject{{"apiVersion", "coordination.k8s.io/v1"},
                     {"kind", "Lease"},
                     {"metadata", JsonObject{{"name", kNodeName}, {"namespace", kNodeLeases}}},
                     {"spec", spec}};
      // The namespace may be gone; the next beat tries again.
      (void)api_.create(resources::kLeases, kNodeLeases, std::move(lease), write_as("kubelet"));
    }
  }
}

}  // namespace lateen::sandbox
