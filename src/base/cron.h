// Cron expressions as Velero's schedules have them (robfig/cron v3, ParseStandard):
//
//   CRON_TZ=Europe/Berlin 0 2 * * MON-FRI        minute hour day-of-month month day-of-week
//   @daily  @every 1h30m                          descriptors
//
// If both day fields are restricted, a day that fits either will do.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/zone.h"

namespace lateen {

// Immutable.
class CronSchedule {
 public:
  // InvalidArgument with robfig/cron's own words. Without TZ= the expression is in `local`.
  static Result<CronSchedule> parse(std::string_view expression, const Zone& local = Zone::local());

  // The first moment after `after` (whole seconds); nothing if there is none within five years (30
  // February).
  std::optional<TimePoint> next(TimePoint after) const;

  // Where its days begin.
  const Zone& zone() const { return zone_; }

 private:
  // Bit i: the field's value i fits. Bit 63: the field was * or ?.
  struct Fields {
    std::uint64_t minute = 0;
    std::uint64_t hour = 0;
    std::uint64_t day = 0;
    std::uint64_t month = 0;
    std::uint64_t weekday = 0;
  };

  friend class CronSearch;

  CronSchedule() = default;
  static Result<CronSchedule> parse_descriptor(std::string_view text, const Zone& zone);
  bool fits_day(const CivilTime& t) const;

  Fields fields_;
  Duration every_ = Duration::zero();  // not zero: @every
  Zone zone_;
};

}  // namespace lateen
