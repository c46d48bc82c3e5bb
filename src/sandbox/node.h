// The rest of the cluster: the node that runs pods, and the controllers that make workloads of
// objects. An Api alone keeps what it is told; with a Node beside it, something happens.
//
//   Node node(api, {.dir = dir, .ca_pem = ca}, log, clock);
//   TRY(node.start());            // returns when pods can be made
//   front.serve(node.pods());     // logs and exec
//   node.stop();                  // before the Api goes
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/api/api.h"
#include "sandbox/api/pod_runtime.h"
#include "sandbox/cluster_caches.h"
#include "sandbox/controllers/controller.h"
#include "sandbox/faults/fault_book.h"
#include "sandbox/runtime/kubelet.h"
#include "sandbox/runtime/service_proxy.h"

namespace lateen::sandbox {

class GarbageCollector;
class NodeLifecycleController;

struct NodeOptions {
  FilePath dir;                            // pods, volumes and snapshots are below it
  std::string ca_pem = {};                 // of the API server: what kube-root-ca.crt says
  std::string program = "/proc/self/exe";  // our own binary: how containers are started
  bool records_only = false;               // run nothing even where it could be
  std::string api_host =
      {};  // KUBERNETES_SERVICE_HOST and _PORT of every container; empty: not set
  std::uint16_t api_port = 0;
  FaultBook* faults = nullptr;          // what goes wrong on request; must outlive the node
  TokenIssuer tokens = {};              // service account tokens for pods; absent: they get none
  std::vector<LocalImage> images = {};  // that programs of this machine stand for
};

// Thread-safe once started. Idempotent: started over the state of one that was killed, it goes on.
class Node {
 public:
  // The Api and the Clock must outlive it.
  Node(Api& api, NodeOptions options, const Log& log, const Clock& clock);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  Status start();

  // Ends all pods' processes; their objects stay, and they run again after the next start().
  void stop();

  PodRuntime& pods() { return kubelet_; }

  // "" when pods really run; else why they are records only.
  const std::string& why_records_only() const { return kubelet_.why_records_only(); }

 private:
  Status ensure_objects();
  Status ensure(const kube::GroupVersionResource& gvr, const std::string& ns, Json object);
  void make_controllers();
  void keep_heartbeat(std::stop_token stop);

  Api& api_;
  const NodeOptions options_;
  const Clock& clock_;
  ClusterCaches caches_;
  ControllerContext context_;
  Kubelet kubelet_;
  ServiceProxy proxy_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  GarbageCollector* collector_ = nullptr;         // one of controllers_
  NodeLifecycleController* lifecycle_ = nullptr;  // another
  std::atomic<bool> lost_ = false;                // cut off, on request
  std::jthread heartbeat_;
};

}  // namespace lateen::sandbox
