// ReplicaSets: as many pods as they ask for.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class ReplicaSetController final : public Controller {
 public:
  explicit ReplicaSetController(ControllerContext& context);

  ~ReplicaSetController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Status scale(const Json& set, const std::vector<ObjectPtr>& active, std::stop_token stop);
  Status remove_surplus(const Json& set,
                        std::vector<ObjectPtr> active,
                        std::size_t surplus,
                        std::stop_token stop);
  Status report(const Json& set, const std::vector<ObjectPtr>& pods);
};

}  // namespace lateen::sandbox
