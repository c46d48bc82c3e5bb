#include "base/log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"

namespace lateen {

namespace {

// Shortest digits that read back as the same number, laid out as Go's %v does.
std::string format_go_float(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buffer[512];
  const double magnitude = std::fabs(v);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6);
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), v,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  return {std::begin(buffer), end.ptr};
}

struct AsText {
  std::string operator()(const std::string& v) const { return v; }

  std::string operator()(std::int64_t v) const { return std::to_string(v); }

  std::string operator()(double v) const { return format_go_float(v); }

  std::string operator()(bool v) const { return v ? "true" : "false"; }
};

struct AsJson {
  Json operator()(const std::string& v) const { return Json(v); }

  Json operator()(std::int64_t v) const { return Json(v); }

  // JSON has no word for NaN and the infinities.
  Json operator()(double v) const { return std::isfinite(v) ? Json(v) : Json(format_go_float(v)); }

  Json operator()(bool v) const { return Json(v); }
};

bool needs_quotes(std::string_view text) {
  return !std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._/@^+").find(c) != std::string_view::npos;
  });
}

void append_pair(std::string& line, std::string_view key, std::string_view value) {
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  line += needs_quotes(value) ? quote_go(value) : std::string(value);
}

// Sorted by key, of equal keys the last: a map, as logrus' Fields are. Keys that the entry itself
// uses are moved aside.
std::map<std::string, const LogField::Value*> by_key(const LogEntry& entry) {
  std::map<std::string, const LogField::Value*> sorted;
  for (const LogField& field : entry.fields) {
    const bool clashes = field.key == "time" || field.key == "level" || field.key == "msg";
    sorted[clashes ? "fields." + field.key : field.key] = &field.value;
  }
  return sorted;
}

std::string format_text(const LogEntry& entry) {
  std::string line;
  append_pair(line, "time", format_rfc3339(entry.time));
  append_pair(line, "level", to_string(entry.level));
  if (!entry.message.empty()) append_pair(line, "msg", entry.message);
  for (const auto& [key, value] : by_key(entry))
    append_pair(line, key, std::visit(AsText(), *value));
  line += '\n';
  return line;
}

// Velero's JSON has "error.message" where its text has "error", so that it can lie beside
// error.file.
std::string format_json(const LogEntry& entry) {
  JsonObject object;
  for (const auto& [key, value] : by_key(entry)) {
    const std::string name = key == "error" ? "error.message" : key;
    object[name] = std::visit(AsJson(), *value);
  }
  object["time"] = format_rfc3339(entry.time);
  object["level"] = to_string(entry.level);
  object["msg"] = entry.message;
  return write_json(Json(std::move(object))) + "\n";
}

class FdSink final : public LogSink {
 public:
  FdSink(int fd, LogLevel level, LogFormat format) : fd_(fd), level_(level), format_(format) {}

  void write(const LogEntry& entry) override {
    if (!wants(entry.level)) return;
    const std::string line = format_log_entry(entry, format_);
    // A log that can't be written has nowhere to say so; the work it tells of goes on.
    (void)write_all(fd_, line);
  }

  bool wants(LogLevel level) const override { return level >= level_; }

 private:
  const int fd_;
  const LogLevel level_;
  const LogFormat format_;
};

class TeeSink final : public LogSink {
 public:
  explicit TeeSink(std::vector<std::shared_ptr<LogSink>> sinks) : sinks_(std::move(sinks)) {
    std::erase(sinks_, nullptr);
  }

  void write(const LogEntry& entry) override {
    for (const auto& sink : sinks_)
      sink->write(entry);
  }

  bool wants(LogLevel level) const override {
    return std::any_of(sinks_.begin(), sinks_.end(),
                       [level](const auto& sink) { return sink->wants(level); });
  }

 private:
  std::vector<std::shared_ptr<LogSink>> sinks_;
};

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Trace:
      return "trace";
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warning:
      return "warning";
    case LogLevel::Error:
      return "error";
  }
  return "unknown";
}

Result<LogLevel> parse_log_level(std::string_view word) {
  const std::string lowered = to_lower(word);
  if (lowered == "trace") return LogLevel::Trace;
  if (lowered == "debug") return LogLevel::Debug;
  if (lowered == "info") return LogLevel::Info;
  if (lowered == "warning" || lowered == "warn") return LogLevel::Warning;
  if (lowered == "error" || lowered == "fatal" || lowered == "panic") return LogLevel::Error;
  return Error(Code::InvalidArgument, "invalid log level {}", quote_go(word))
      .with_hint("Use one of trace, debug, info, warning, error, fatal, panic.");
}

Result<LogFormat> parse_log_format(std::string_view word) {
  if (word == "text") return LogFormat::Text;
  if (word == "json") return LogFormat::JsonLine;
  return Error(Code::InvalidArgument, "invalid log format {}", quote_go(word))
      .with_hint("Use text or json.");
}

std::string format_log_entry(const LogEntry& entry, LogFormat format) {
  return format == LogFormat::JsonLine ? format_json(entry) : format_text(entry);
}

std::shared_ptr<LogSink> make_fd_sink(int fd, LogLevel level, LogFormat format) {
  return std::make_shared<FdSink>(fd, level, format);
}

std::shared_ptr<LogSink> make_tee_sink(std::vector<std::shared_ptr<LogSink>> sinks) {
  return std::make_shared<TeeSink>(std::move(sinks));
}

Log::Log() = default;

Log::Log(std::shared_ptr<LogSink> sink, std::shared_ptr<const Clock> clock)
    : sink_(std::move(sink)), clock_(std::move(clock)) {}

Log Log::with(LogField field) const {
  return with({std::move(field)});
}

Log Log::with(std::initializer_list<LogField> fields) const {
  std::vector<LogField> all = fields_ ? *fields_ : std::vector<LogField>();
  all.insert(all.end(), fields.begin(), fields.end());
  Log child = *this;
  child.fields_ = std::make_shared<const std::vector<LogField>>(std::move(all));
  return child;
}

Log Log::to(std::shared_ptr<LogSink> sink) const {
  Log other = *this;
  other.sink_ = std::move(sink);
  if (!other.clock_) other.clock_ = std::make_shared<SystemClock>();
  return other;
}

void Log::debug(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Debug, message, fields);
}

void Log::info(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Info, message, fields);
}

void Log::warning(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Warning, message, fields);
}

void Log::error(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::Error, message, fields);
}

void Log::write(LogLevel level,
                std::string_view message,
                std::initializer_list<LogField> fields) const {
  if (!sink_ || !clock_ || !sink_->wants(level)) return;
  LogEntry entry{
      .time = clock_->now(), .level = level, .message = std::string(message), .fields = {}};
  entry.fields.reserve((fields_ ? fields_->size() : 0) + fields.size());
  if (fields_) entry.fields = *fields_;
  entry.fields.insert(entry.fields.end(), fields.begin(), fields.end());
  sink_->write(entry);
}

}  // namespace lateen
