// The scheduler of a cluster with one node: says why a pod cannot run there, or assigns it.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

// By nodeSelector, required node affinity and taints. `pod` is a pod or a pod template.
bool fits_node(const Json& pod, const Json& node);

class Scheduler final : public Controller {
 public:
  explicit Scheduler(ControllerContext& context);

  ~Scheduler() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  // Empty when no node takes it.
  std::string choose_node(const Json& pod);
  // Nothing when all claims are bound; else why not. Asks for the binding of those that wait for
  // their first pod.
  Result<std::optional<std::string>> find_missing_claim(const Json& pod,
                                                        const std::string& node,
                                                        std::stop_token stop);
  Status refuse(const Json& pod, const std::string& why);
  Status assign(const Json& pod, const std::string& node);
};

// Kubernetes' word to the provisioner: make the volume, a pod on this node waits for it.
inline constexpr std::string_view kSelectedNodeAnnotation = "volume.kubernetes.io/selected-node";

}  // namespace lateen::sandbox
