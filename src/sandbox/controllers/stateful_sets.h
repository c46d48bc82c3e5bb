// StatefulSets: pods with names of their own, made one after another, each with its claims.
#pragma once

#include <map>

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class StatefulSetController final : public Controller {
 public:
  explicit StatefulSetController(ControllerContext& context);

  ~StatefulSetController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  using ByOrdinal = std::map<std::int64_t, ObjectPtr>;

  Status step(const Json& set,
              const ByOrdinal& pods,
              const std::string& revision,
              std::stop_token stop);
  Status make_pod(const Json& set,
                  std::int64_t ordinal,
                  const std::string& revision,
                  std::stop_token stop);
  Status ensure_claims(const Json& set, std::int64_t ordinal, std::stop_token stop);
  Status remove_condemned(const Json& set, const ByOrdinal& pods, std::stop_token stop);
  Status update_pods(const Json& set,
                     const ByOrdinal& pods,
                     const std::string& revision,
                     std::stop_token stop);
  Status report(const Json& set, const ByOrdinal& pods, const std::string& revision);
};

}  // namespace lateen::sandbox
