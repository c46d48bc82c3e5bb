// One field of a cron expression: "*/15", "1-5", "MON-FRI", "0,30".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace lateen {

struct CronBounds {
  unsigned min;
  unsigned max;
  std::span<const std::string_view> names;  // lower case; the first stands for `min`
};

extern const CronBounds kCronMinutes;
extern const CronBounds kCronHours;
extern const CronBounds kCronDays;
extern const CronBounds kCronMonths;
extern const CronBounds kCronWeekdays;

// Set beside the values if the field was * or ?.
inline constexpr std::uint64_t kCronStar = std::uint64_t{1} << 63U;

// Bit i is set if the value i fits. Errors are in robfig/cron's words.
Result<std::uint64_t> parse_cron_field(std::string_view field, const CronBounds& bounds);

}  // namespace lateen
