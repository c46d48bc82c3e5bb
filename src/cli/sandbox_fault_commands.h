// `lateen sandbox fault add|list|clear`.
#pragma once

#include "cli/command.h"

namespace lateen::cli {

// `dir` is the flag of all sandbox commands.
Command sandbox_fault_commands(const FlagSpec& dir);

}  // namespace lateen::cli
