// CronJobs: a Job each time their schedule says so.
#pragma once

#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class CronJobController final : public Controller {
 public:
  explicit CronJobController(ControllerContext& context);

  ~CronJobController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Result<bool> run(const Json& cron_job,
                   TimePoint due,
                   const std::vector<ObjectPtr>& active,
                   std::stop_token stop);
  Status clean_history(const Json& cron_job,
                       const std::vector<ObjectPtr>& jobs,
                       std::stop_token stop);
  Status report(const Json& cron_job, std::optional<TimePoint> scheduled);
  std::vector<ObjectPtr> jobs_of(const Json& cron_job);
};

}  // namespace lateen::sandbox
