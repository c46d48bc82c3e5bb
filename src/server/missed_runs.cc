#include "server/missed_runs.h"

#include "server/metrics.h"

namespace lateen::server {

void count_missed_runs(Metrics& metrics, const std::string& schedule, std::size_t missed) {
  metrics.count("lateen_schedule_missed_runs_total",
                "Moments of a schedule's cron line that got no backup", {{"schedule", schedule}},
                static_cast<double>(missed));
}

}  // namespace lateen::server
