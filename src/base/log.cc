#include "base/log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

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

// Which characters a value may have that stands without quotes.
constexpr std::array<bool, 256> kBare = [] {
  std::array<bool, 256> bare{};
  for (unsigned char c = 'a'; c <= 'z'; ++c)
    bare[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c)
    bare[c] = true;
  for (unsigned char c = '0'; c <= '9'; ++c)
    bare[c] = true;
  for (const char c : std::string_view("-._/@^+"))
    bare[static_cast<unsigned char>(c)] = true;
  return bare;
}();

bool needs_quotes(std::string_view text) {
  return !std::ranges::all_of(text, [](char c) { return kBare[static_cast<unsigned char>(c)]; });
}

// Nothing to escape: nearly every message.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

void append_pair(std::string& line, std::string_view key, std::string_view value) {
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  if (!needs_quotes(value)) {
    line += value;
  } else if (is_plain(value)) {
    line += '"';
    line += value;
    line += '"';
  } else {
    line += quote_go(value);
  }
}

using FieldByKey = std::pair<std::string, const LogField::Value*>;

// Sorted by key, of equal keys the last: a map, as logrus' Fields are. Keys that the entry itself
// uses are moved aside.
std::vector<FieldByKey> by_key(const LogEntry& entry) {
  std::vector<FieldByKey> sorted;
  sorted.reserve(entry.fields.size());
  for (const LogField& field : entry.fields) {
    const bool clashes = field.key == "time" || field.key == "level" || field.key == "msg";
    std::string key = clashes ? "fields." + field.key : field.key;
    const auto known = std::ranges::find(sorted, key, &FieldByKey::first);
    if (known != sorted.end()) {
      known->second = &field.value;
    } else {
      sorted.emplace_back(std::move(key), &field.value);
    }
  }
  std::ranges::sort(sorted, {}, &FieldByKey::first);
  return sorted;
}

// Of the last second that this thread wrote about: lines come many to a second.
const std::string& time_of(const LogEntry& entry) {
  thread_local TimePoint second;
  thread_local std::string text;
  const TimePoint now = std::chrono::floor<std::chrono::seconds>(entry.time);
  if (text.empty() || now != second) {
    second = now;
    text = format_rfc3339(now);
  }
  return text;
}

std::string format_text(const LogEntry& entry) {
  std::string line;
  line.reserve(256);
  append_pair(line, "time", time_of(entry));
  append_pair(line, "level", to_string(entry.level));
  if (!entry.message.empty()) append_pair(line, "msg", entry.message);
  for (const auto& [key, value] : by_key(entry)) {
    if (const auto* text = std::get_if<std::string>(value)) {
      append_pair(line, key, *text);
    } else {
      append_pair(line, key, std::visit(AsText(), *value));
    }
  }
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
  object["time"] = time_of(entry);
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
  // The thread keeps its last entry, so that the next one finds its texts' room. A sink that logs
  // itself finds an empty one.
  thread_local std::optional<LogEntry> last;
  LogEntry entry = last ? *std::exchange(last, std::nullopt) : LogEntry{};
  entry.time = clock_->now();
  entry.level = level;
  entry.message = message;
  std::size_t used = 0;
  const auto take = [&](const LogField& field) {
    if (used < entry.fields.size()) {
      entry.fields[used] = field;
    } else {
      entry.fields.push_back(field);
    }
    ++used;
  };
  if (fields_) std::ranges::for_each(*fields_, take);
  std::ranges::for_each(fields, take);
  entry.fields.erase(entry.fields.begin() + static_cast<std::ptrdiff_t>(used), entry.fields.end());
  sink_->write(entry);
  last = std::move(entry);
}

}  // namespace lateen
