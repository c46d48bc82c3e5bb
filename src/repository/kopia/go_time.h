// Times as Go writes them into JSON: RFC 3339 in UTC with up to nine digits of a fraction. There
// are two of them for each file, so they do not go through the general parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lateen::repository::kopia {

// Go's zero time, January 1 of the year 1: "never". Nanoseconds since 1970 do not reach that far
// back, so the earliest time stands for it.
inline constexpr TimePoint kNever = TimePoint::min();

// Years that nanoseconds do not reach (before 1678, after 2261) become the earliest and latest
// time. Corrupt if it is not a time.
Result<TimePoint> parse_go_time(std::string_view text);

void append_go_time(std::string& out, TimePoint time);
std::string format_go_time_json(TimePoint time);  // without quotes

// Seconds since 1970 as index entries have them: 32 bits, none before.
std::uint32_t index_seconds(TimePoint time);

}  // namespace lateen::repository::kopia
