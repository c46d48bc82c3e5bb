// `lateen location check`: whether a location's bucket is set up as backups want it.
#pragma once

#include "cli/command.h"

namespace lateen::cli {

// Exit codes beside 0 (all set) and 1 (an error).
inline constexpr int kMissing = 2;
inline constexpr int kUnseen = 3;  // nothing is missing of what could be looked at

// Also below `backup-location`.
Command location_check_command();

}  // namespace lateen::cli
