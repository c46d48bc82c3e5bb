#include "base/log_capture.h"

#include <utility>

#include "base/file.h"

namespace lateen {

LineWriter write_lines_to(int fd) {
  return [fd](BytesView line) { return write_all(fd, line); };
}

LineWriter append_lines_to(Bytes& buffer) {
  return [&buffer](BytesView line) {
    buffer += line;
    return Status();
  };
}

CapturingSink::CapturingSink(LogLevel level,
                             LogFormat format,
                             LineWriter write_line,
                             std::size_t max_kept)
    : level_(level), format_(format), max_kept_(max_kept), write_line_(std::move(write_line)) {}

// Warnings and errors count whatever the level of the lines: status.errors must not depend on a log
// flag.
bool CapturingSink::wants(LogLevel level) const {
  return level >= level_ || level >= LogLevel::Warning;
}

void CapturingSink::write(const LogEntry& entry) {
  if (!wants(entry.level)) return;
  const bool shown = entry.level >= level_;
  const std::string line = shown ? format_log_entry(entry, format_) : std::string();
  const Lock lock(mu_);
  if (entry.level == LogLevel::Warning) ++warnings_;
  if (entry.level == LogLevel::Error) ++errors_;
  if (entry.level >= LogLevel::Warning && kept_.size() < max_kept_) kept_.push_back(entry);
  if (!shown || failure_) return;
  Status written = write_line_(line);
  if (!written) failure_ = std::move(written).error();
}

std::size_t CapturingSink::warnings() const {
  const Lock lock(mu_);
  return warnings_;
}

std::size_t CapturingSink::errors() const {
  const Lock lock(mu_);
  return errors_;
}

std::vector<LogEntry> CapturingSink::kept() const {
  const Lock lock(mu_);
  return kept_;
}

Status CapturingSink::status() const {
  const Lock lock(mu_);
  if (failure_) return *failure_;
  return {};
}

}  // namespace lateen
