// `schedule preview`: what schedules will hold, day by day, before it is so.
#pragma once

#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace lateen::cli {

std::vector<FlagSpec> schedule_preview_flags();

Result<int> preview_schedules(Invocation& call);

}  // namespace lateen::cli
