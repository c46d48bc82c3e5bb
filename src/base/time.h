// Points in time as texts, always in UTC (zone.h for other zones). A TimePoint reaches from
// 1677-09-21 to 2262-04-11; what lies outside, such as Go's zero time 0001-01-01, is read as the
// nearer end of that.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lateen {

// "2026-11-22T10:09:21Z", with an optional fraction and any offset.
Result<TimePoint> parse_rfc3339(std::string_view text);

// Kubernetes' metav1.Time: whole seconds (rounded down), "2026-11-22T10:09:21Z".
std::string format_rfc3339(TimePoint t);

// Kubernetes' MicroTime, as in Leases and Events: "2026-11-22T10:09:21.000000Z".
std::string format_rfc3339_micro(TimePoint t);

// Go's RFC3339Nano: as many digits of the fraction as are needed, none for whole seconds.
std::string format_rfc3339_nano(TimePoint t);

// Go's Time.String for UTC: "2026-11-22 10:09:21 +0000 UTC", with the fraction if there is one.
std::string format_go_time(TimePoint t);

// "20261122100921", the end of the name of a scheduled backup.
std::string format_timestamp_suffix(TimePoint t);

// `when` as seen at `now`, as Velero prints it: "29d", "0s", or "3h ago".
std::string human_time_from_now(TimePoint when, TimePoint now);

// t + d, or the nearest end of what a TimePoint can say.
TimePoint add_saturated(TimePoint t, Duration d);

}  // namespace lateen
