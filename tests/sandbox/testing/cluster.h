// A whole sandbox without its HTTP front: store, API and node in a temporary directory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/temp.h"
#include "sandbox/api/api_server.h"
#include "sandbox/node.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox::testing {

struct ExecOutcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Fails the test, loudly, when something cannot be set up. Not thread-safe.
class Cluster {
 public:
  explicit Cluster(bool records_only = false);
  ~Cluster();

  Api& api() { return *api_; }

  Node& node() { return *node_; }

  FaultBook& faults() { return faults_; }

  bool runs_pods() const { return node_->why_records_only().empty(); }

  // The directory that the node keeps its things in.
  FilePath dir() const { return dir_.path() / "node"; }

  // Creates every document of a YAML text.
  void create(std::string_view yaml);
  void create_namespace(std::string_view name);

  // The object, null when there is none.
  std::optional<Json> get(const kube::GroupVersionResource& gvr,
                          std::string_view ns,
                          std::string_view name);

  using Fits = std::function<bool(const Json&)>;

  // Waits until the object is there and fits; a failure of the test says how it is instead.
  Json wait(const kube::GroupVersionResource& gvr,
            std::string_view ns,
            std::string_view name,
            const Fits& fits);
  void wait_gone(const kube::GroupVersionResource& gvr, std::string_view ns, std::string_view name);

  std::vector<Json> list(const kube::GroupVersionResource& gvr,
                         std::string_view ns,
                         std::string_view selector = {});

  void remove(const kube::GroupVersionResource& gvr,
              std::string_view ns,
              std::string_view name,
              std::string_view policy = "Background");
  void patch(const kube::GroupVersionResource& gvr,
             std::string_view ns,
             std::string_view name,
             std::string_view merge_patch);

  Json wait_ready(std::string_view ns, std::string_view pod);
  ExecOutcome exec(std::string_view ns,
                   std::string_view pod,
                   std::vector<std::string> command,
                   std::string_view input = {});
  std::string logs(std::string_view ns, std::string_view pod, bool previous = false);

  // The node is ended, all its processes with it, and started again over the same state.
  void restart_node();

 private:
  void start_node();

  TempDir dir_;
  SystemClock clock_;
  SystemRng rng_;
  FaultBook faults_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<Node> node_;
  const bool records_only_;
};

}  // namespace lateen::sandbox::testing
