// A container's output on disk, in the form that container runtimes write and kubelets read:
//
//   2026-11-22T10:09:21.123456789Z stdout F a whole line
//   2026-11-22T10:09:21.123456789Z stdout P the first part of a very long one
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen::sandbox {

inline constexpr ByteCount kMaxLogFile = 10_MiB;  // then it becomes <file>.1, and a new one starts
inline constexpr std::size_t kMaxLogLine =
    16 * 1024;  // longer lines are cut in parts, as containerd does

// Splits one stream into lines and appends them. Not thread-safe.
class ContainerLog {
 public:
  static Result<ContainerLog> open(std::string path);

  // Bytes as they came from `stream` ("stdout", "stderr"), at any boundaries.
  Status append(std::string_view stream, BytesView bytes, TimePoint now);

  // What came without a newline at its end.
  Status finish(TimePoint now);

 private:
  ContainerLog(std::string path, UniqueFd fd, ByteCount size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  Status write_entry(std::string_view stream, char tag, BytesView text, TimePoint now);
  Status rotate();

  std::string path_;
  UniqueFd fd_;
  ByteCount size_;
  Bytes out_;  // the unfinished line of each stream
  Bytes err_;
};

// One line of such a file, taken apart; the views are into `line`.
struct LogEntryView {
  std::string_view time;
  std::string_view stream;
  bool partial = false;
  std::string_view text;
};

// Corrupt for anything else.
Result<LogEntryView> parse_log_line(std::string_view line);

}  // namespace lateen::sandbox
