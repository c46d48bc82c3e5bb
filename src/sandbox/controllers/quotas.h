// What of each ResourceQuota is used: its status.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

// Keys are "ns/name". Looks at each quota every second: nothing tells of all kinds that may count.
class QuotaController final : public Controller {
 public:
  explicit QuotaController(ControllerContext& context);

  ~QuotaController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;
};

}  // namespace lateen::sandbox
