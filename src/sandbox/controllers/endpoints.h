// Endpoints and EndpointSlices: where the pods behind a Service are.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class EndpointController final : public Controller {
 public:
  explicit EndpointController(ControllerContext& context);

  ~EndpointController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Status write(ObjectCache& cache, Json object, std::stop_token stop);
};

}  // namespace lateen::sandbox
