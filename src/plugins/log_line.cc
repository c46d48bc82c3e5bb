#include "plugins/log_line.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace lateen::plugins {
namespace {

// A plugin has no say in the line's own time and level; what it says of itself stays.
constexpr std::array<std::string_view, 6> kDropped = {"@level", "@message", "@timestamp",
                                                      "level",  "time",     "timestamp"};

std::optional<LogLevel> level_of(std::string_view word) {
  if (word == "trace") return LogLevel::Trace;
  if (word == "debug") return LogLevel::Debug;
  if (word == "info") return LogLevel::Info;
  if (word == "warn" || word == "warning") return LogLevel::Warning;
  if (word == "error" || word == "err" || word == "fatal" || word == "panic") {
    return LogLevel::Error;
  }
  return std::nullopt;
}

LogField field_of(std::string_view key, const Json& value) {
  if (value.is_string()) return {key, as_text(&value)};
  if (value.is_bool()) return {key, value.as_bool()};
  if (value.is_int64()) return {key, value.as_int64()};
  if (value.is_double()) return {key, value.as_double()};
  return {key, write_json(value)};
}

PluginLogLine plain(std::string_view line) {
  constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kPrefixes = {
      {{"[TRACE]", LogLevel::Trace},
       {"[DEBUG]", LogLevel::Debug},
       {"[INFO]", LogLevel::Info},
       {"[WARN]", LogLevel::Warning},
       {"[ERROR]", LogLevel::Error}}};
  for (const auto& [prefix, level] : kPrefixes) {
    if (line.starts_with(prefix)) return {.level = level, .message = to_valid_utf8(line)};
  }
  return {.level = LogLevel::Debug, .message = to_valid_utf8(line)};
}

}  // namespace

PluginLogLine parse_log_line(std::string_view line) {
  line = trim(line);
  if (!line.starts_with('{')) return plain(line);
  const auto parsed = parse_json(line);
  if (!parsed || !parsed->is_object()) return plain(line);
  const JsonObject& object = parsed->as_object();
  PluginLogLine out;
  out.message = as_text(find(*parsed, JsonKey{"@message"}));
  const auto level = level_of(to_lower(as_text(find(*parsed, JsonKey{"@level"}))));
  out.level = level.value_or(LogLevel::Debug);
  for (const auto& [key, value] : object) {
    const std::string_view name(key);
    if (std::find(kDropped.begin(), kDropped.end(), name) == kDropped.end()) {
      out.fields.push_back(field_of(name, value));
    }
  }
  std::sort(out.fields.begin(), out.fields.end(),
            [](const LogField& a, const LogField& b) { return a.key < b.key; });
  return out;
}

}  // namespace lateen::plugins
