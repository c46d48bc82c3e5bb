// What a cluster does about a node that it hears of no more: the node is Unknown and tainted, its
// pods are not ready, and those that do not tolerate the taint any longer are deleted (and stay
// Terminating: nobody is there to end them). When the node is back, all of that is undone.
#pragma once

#include <functional>

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

// Hears of the loss from the faults on request. Its one key is the node's name.
class NodeLifecycleController final : public Controller {
 public:
  // `set_lost` cuts the node's agent off, and lets it back in.
  NodeLifecycleController(ControllerContext& context, std::function<void(bool lost)> set_lost);

  ~NodeLifecycleController() override { stop(); }

  // Whether the node is lost may have changed.
  void look();

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Status mark_node(bool lost);
  Status taint_node(bool lost);
  Status mark_pod(const Json& pod);
  Status evict_if_due(const Json& pod, TimePoint since);

  const std::function<void(bool lost)> set_lost_;
};

}  // namespace lateen::sandbox
