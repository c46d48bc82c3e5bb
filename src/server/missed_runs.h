// The metric of moments of a schedule's cron line that got no backup.
#pragma once

#include <cstddef>
#include <string>

namespace lateen::server {

class Metrics;

// 0 begins the series.
void count_missed_runs(Metrics& metrics, const std::string& schedule, std::size_t missed);

}  // namespace lateen::server
