// What schedules will hold, day by day: their cron lines and their retention (or TTL) played
// forward over a calendar. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "assurance/retention.h"
#include "base/clock.h"
#include "base/cron.h"
#include "base/result.h"

namespace lateen::assurance {

struct PlannedSchedule {
  std::string name = {};
  CronSchedule cron;
  std::optional<RetentionPolicy> policy = {};
  Duration ttl = {};                         // counts when there is no policy
  std::vector<RetainedBackup> present = {};  // what there is already
};

// The state at the end of a day (UTC).
struct DayForecast {
  TimePoint day = {};    // its midnight
  std::size_t made = 0;  // during the day
  std::size_t held = 0;  // at its end
  // At its end, by what they are held as: "daily", …; "ttl" for those without a policy.
  std::map<std::string, std::size_t, std::less<>> by_class = {};
  std::optional<TimePoint> oldest = {};
};

// From the day of `from`, `days` days. Every backup is taken to succeed. InvalidArgument if the
// schedules make more backups than anyone would keep (100,000).
Result<std::vector<DayForecast>> forecast_retention(std::vector<PlannedSchedule> schedules,
                                                    TimePoint from,
                                                    std::size_t days);

}  // namespace lateen::assurance
