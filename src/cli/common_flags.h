// Flags that several commands have in the same words, and what they say.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "cli/flags.h"

namespace lateen::cli {

// --log-level and --log-format, of programs that run in a pod.
std::vector<FlagSpec> log_flags();
Result<LogLevel> log_level_by_flag(const Flags& flags);
Result<LogFormat> log_format_by_flag(const Flags& flags);

// A log as these flags want it.
Result<Log> log_by_flags(const Flags& flags, int fd);

// A whole number of KiB/s, in bytes a second; 0: no limit. InvalidArgument names the flag.
Result<ByteCount> rate_by_flag(const Flags& flags, std::string_view name);

}  // namespace lateen::cli
