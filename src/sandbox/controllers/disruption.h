// PodDisruptionBudgets: how many pods may be missed at present.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class DisruptionController final : public Controller {
 public:
  explicit DisruptionController(ControllerContext& context);

  ~DisruptionController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;
};

}  // namespace lateen::sandbox
