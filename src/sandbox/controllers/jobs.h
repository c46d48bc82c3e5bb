// Jobs: pods that run to their end, as many and as often as asked.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class JobController final : public Controller {
 public:
  explicit JobController(ControllerContext& context);

  ~JobController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  // What the pods of a job amount to.
  struct Tally {
    std::vector<ObjectPtr> active;
    std::int64_t succeeded = 0;
    std::int64_t failed = 0;
    std::int64_t ready = 0;
    std::vector<std::int64_t> done_indexes;  // of an Indexed job
    std::vector<std::int64_t> active_indexes;
  };

  static Tally tally(const Json& job, const std::vector<ObjectPtr>& pods);
  Result<LookAgain> finish(const Json& job);
  Status advance(const Json& job, const Tally& tally, std::stop_token stop);
  Status make_pod(const Json& job, const Tally& tally, std::int64_t nth, std::stop_token stop);
  Status end(const Json& job,
             const Tally& tally,
             std::string_view condition,
             std::string_view reason,
             std::string_view message,
             std::stop_token stop);
  Status report(const Json& job, const Tally& tally, JsonArray conditions);
};

// Complete or Failed.
bool is_job_finished(const Json& job);

}  // namespace lateen::sandbox
