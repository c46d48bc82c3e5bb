// Go's durations, which is what people write in specs and flags (ttl: 720h0m0s), and the short ages
// that Kubernetes prints.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lateen {

// As Go's time.ParseDuration, with its error texts: "1h15m30.5s", "-1.5h", "0". A unit is required
// but for 0.
Result<Duration> parse_go_duration(std::string_view text);

// As Go's Duration.String: "720h0m0s", "1.5s", "250ms", "0s".
std::string format_go_duration(Duration d);

// The AGE column of kubectl: "45s", "3m12s", "5h41m", "2d3h", "29d", "2y35d".
std::string human_duration(Duration d);

// One unit only, as in Velero's EXPIRES and LAST BACKUP columns: "45s", "3m", "5h", "29d", "2y".
std::string short_human_duration(Duration d);

}  // namespace lateen
