// DaemonSets on the one node: a pod each, replaced when the template changes.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class DaemonSetController final : public Controller {
 public:
  explicit DaemonSetController(ControllerContext& context);

  ~DaemonSetController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Status report(const Json& set, const ObjectPtr& pod, bool wanted, const std::string& hash);
};

}  // namespace lateen::sandbox
