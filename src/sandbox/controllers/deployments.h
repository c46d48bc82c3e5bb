// Deployments: a ReplicaSet for each version of the template, scaled up and down against each
// other.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class DeploymentController final : public Controller {
 public:
  explicit DeploymentController(ControllerContext& context);

  ~DeploymentController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  // The sets of one deployment: the one of its present template, and the others by revision.
  struct Sets {
    ObjectPtr present;  // null: not made yet
    std::vector<ObjectPtr> old;
  };

  Sets sort_sets(const Json& deployment, const std::vector<ObjectPtr>& owned) const;
  Status ensure_present(const Json& deployment, Sets& sets, std::stop_token stop);
  Result<ObjectPtr> make_present(const Json& deployment,
                                 std::int64_t revision,
                                 std::stop_token stop);
  Status set_revision(const Json& deployment,
                      const Json& set,
                      std::int64_t revision,
                      std::stop_token stop);
  Status roll(const Json& deployment, Sets& sets, std::stop_token stop);
  Status roll_present_up(const Json& deployment, const Sets& sets, std::stop_token stop);
  Status roll_old_down(const Json& deployment, const Sets& sets, std::stop_token stop);
  Status recreate(const Json& deployment, const Sets& sets, std::stop_token stop);
  Status scale(const Json& deployment,
               const Json& set,
               std::int64_t replicas,
               std::stop_token stop);
  Status clean_history(const Json& deployment, const Sets& sets, std::stop_token stop);
  Result<LookAgain> report(const Json& deployment, const Sets& sets);
};

}  // namespace lateen::sandbox
