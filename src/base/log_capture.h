// The log of one backup or restore: its lines go to a file of its own (which is uploaded as
// <name>-logs.gz), while the warnings and errors among them are counted and kept for
// status.warnings, status.errors and the results file.
//
//   auto own = std::make_shared<CapturingSink>(LogLevel::Debug, LogFormat::Text,
//   write_lines_to(file.fd())); const Log log = server_log.to(make_tee_sink({server_log.sink(),
//   own})).with("backup", key);
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen {

// Takes one formatted line, newline included. Called under a lock, one line at a time.
using LineWriter = std::function<Status(BytesView line)>;

// Writes each line to `fd`, which stays the caller's.
LineWriter write_lines_to(int fd);

// Appends each line to `buffer`, which must outlive the sink; read it only when nobody logs any
// more.
LineWriter append_lines_to(Bytes& buffer);

// Memory: the lines are not kept; of entries at Warning or above the first `max_kept` are.
// Thread-safe.
class CapturingSink final : public LogSink {
 public:
  // Far more than a person reads, and at about 300 bytes each no more than 30 MB.
  static constexpr std::size_t kMaxKept = 100'000;

  CapturingSink(LogLevel level,
                LogFormat format,
                LineWriter write_line,
                std::size_t max_kept = kMaxKept);

  void write(const LogEntry& entry) override;
  bool wants(LogLevel level) const override;

  std::size_t warnings() const;
  std::size_t errors() const;

  // The kept warnings and errors, oldest first.
  std::vector<LogEntry> kept() const;

  // The first failure to write a line: later lines are dropped, counting goes on.
  Status status() const;

 private:
  const LogLevel level_;
  const LogFormat format_;
  const std::size_t max_kept_;
  mutable Mutex mu_;
  LineWriter write_line_ LATEEN_GUARDED_BY(mu_);
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);
  std::size_t warnings_ LATEEN_GUARDED_BY(mu_) = 0;
  std::size_t errors_ LATEEN_GUARDED_BY(mu_) = 0;
  std::vector<LogEntry> kept_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen
