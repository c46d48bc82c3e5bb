// The log, in the shape that Velero's server writes (logrus text and JSON):
//
//   time="2026-05-20T02:00:01Z" level=info msg="Backed up item" backup=velero/nightly name=db
//   namespace=shop
//
//   log.info("Backed up item", {{"resource", "pods"}, {"namespace", ns}, {"name", name}});
//
// The message never changes; what varies is a field. log.with("backup", key) is passed down with a
// request.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace lateen {

enum class LogLevel { Trace, Debug, Info, Warning, Error };
enum class LogFormat { Text, JsonLine };

std::string_view to_string(LogLevel level);

// Velero's words: trace, debug, info, warning, error, fatal, panic (the last two read as error).
Result<LogLevel> parse_log_level(std::string_view word);
Result<LogFormat> parse_log_format(std::string_view word);

struct LogField {
  using Value = std::variant<std::string, std::int64_t, double, bool>;

  LogField(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}

  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}

  LogField(std::string_view k, const char* v) : key(k), value(std::string(v)) {}

  LogField(std::string_view k, bool v) : key(k), value(v) {}

  template <typename N>
    requires(std::is_integral_v<N> && !std::is_same_v<N, bool>)
  LogField(std::string_view k, N v) : key(k), value(static_cast<std::int64_t>(v)) {}

  LogField(std::string_view k, double v) : key(k), value(v) {}

  // An error: its one-line message under `key` (use "error"), its hint under "hint".
  LogField(std::string_view k, const Error& error) : key(k), value(error.message()) {}

  std::string key;
  Value value;
};

struct LogEntry {
  TimePoint time;
  LogLevel level;
  std::string message;
  std::vector<LogField> fields;  // inherited first, then the call's own
};

// One line with its newline, keys sorted after time, level and msg as logrus does.
std::string format_log_entry(const LogEntry& entry, LogFormat format);

// Where entries go. Implementations are thread-safe.
class LogSink {
 public:
  LogSink() = default;
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  virtual ~LogSink() = default;
  virtual void write(const LogEntry& entry) = 0;

  // Whether an entry of this level would be kept: spares the making of those that are not.
  virtual bool wants(LogLevel /*level*/) const { return true; }
};

// Writes lines at or above `level` to a file descriptor (2 = stderr) in one write each.
std::shared_ptr<LogSink> make_fd_sink(int fd, LogLevel level, LogFormat format);

// Hands every entry to all of `sinks`: a backup's log goes to the server's and to the backup's own
// file.
std::shared_ptr<LogSink> make_tee_sink(std::vector<std::shared_ptr<LogSink>> sinks);

// Cheap to copy; carries the fields of its request. Thread-safe.
class Log {
 public:
  // Says nothing to anybody.
  Log();
  Log(std::shared_ptr<LogSink> sink, std::shared_ptr<const Clock> clock);

  Log with(LogField field) const;

  template <typename Value>
  Log with(std::string_view key, const Value& value) const {
    return with(LogField(key, value));
  }

  Log with(std::initializer_list<LogField> fields) const;

  // The same fields, another destination.
  Log to(std::shared_ptr<LogSink> sink) const;

  const std::shared_ptr<LogSink>& sink() const { return sink_; }

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) const;

 private:
  void write(LogLevel level,
             std::string_view message,
             std::initializer_list<LogField> fields) const;

  std::shared_ptr<LogSink> sink_;
  std::shared_ptr<const Clock> clock_;
  std::shared_ptr<const std::vector<LogField>> fields_;
};

}  // namespace lateen
