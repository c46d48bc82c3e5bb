// A line that a plugin writes to its stderr, as a log entry. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace lateen::plugins {

struct PluginLogLine {
  LogLevel level = LogLevel::Debug;
  std::string message = {};
  std::vector<LogField> fields = {};  // sorted by key; without level and time, which are the log's
};

// A JSON object with @level and @message, as Velero's plugins write it; a line of anything else is
// the message itself, at the level that a prefix like "[WARN]" names, else at debug.
PluginLogLine parse_log_line(std::string_view line);

}  // namespace lateen::plugins
