// Times as people write them: "2026-11-22 10:09:21", "2026-11-22", "now".
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/zone.h"

namespace lateen::cli::repo {

Result<TimePoint> parse_time(std::string_view text, const Zone& zone, TimePoint now);

}  // namespace lateen::cli::repo
