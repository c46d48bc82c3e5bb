#include "sandbox/runtime/log_reader.h"

#include <deque>

#include <sys/stat.h>

#include "base/file.h"
#include "base/time.h"
#include "sandbox/runtime/container_log.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kFollowPause = std::chrono::milliseconds(50);
constexpr std::size_t kReadAtOnce = 64 * 1024;

// Whole entries out of one file and its predecessor. Not thread-safe.
class EntryReader {
 public:
  explicit EntryReader(std::string path) : path_(std::move(path)) {}

  // From the rotated file on, where there is one.
  void open_oldest() {
    auto rotated = open_for_reading(path_ + ".1");
    if (rotated) {
      fd_ = std::move(*rotated);
    } else {
      open_current();
    }
  }

  // The next line without its newline; nothing when there is none at present.
  Result<std::optional<Bytes>> next() {
    while (true) {
      const std::size_t newline = pending_.find('\n', searched_);
      if (newline != Bytes::npos) {
        Bytes line = pending_.substr(0, newline);
        pending_.erase(0, newline + 1);
        searched_ = 0;
        return std::optional<Bytes>(std::move(line));
      }
      searched_ = pending_.size();
      if (!fd_) open_current();
      if (!fd_) return std::optional<Bytes>();
      const Bytes more = TRY(read_some(fd_.get(), kReadAtOnce));
      if (more.empty() && !move_on()) return std::optional<Bytes>();
      pending_ += more;
    }
  }

 private:
  void open_current() {
    auto current = open_for_reading(path_);
    if (current) fd_ = std::move(*current);
  }

  // At the end of a file: goes to the newer one if there is one.
  bool move_on() {
    struct stat mine{};
    struct stat current{};
    if (fstat(fd_.get(), &mine) != 0 || stat(path_.c_str(), &current) != 0) return false;
    if (mine.st_ino == current.st_ino) return false;
    open_current();
    return true;
  }

  std::string path_;
  UniqueFd fd_;
  Bytes pending_;
  std::size_t searched_ = 0;
};

// Not thread-safe.
class FileLogStream final : public LogStream {
 public:
  FileLogStream(std::string path, const LogOptions& options, std::function<bool()> is_live)
      : reader_(std::move(path)), options_(options), is_live_(std::move(is_live)) {
    left_ = options.limit_bytes;
  }

  Result<std::optional<Bytes>> read(Deadline deadline, std::stop_token stop) override {
    if (!opened_) TRY(open_and_seek());
    while (!left_ || *left_ > 0) {
      // Asked before reading, so that what was written just before the end is not missed.
      const bool live = options_.follow && is_live_();
      Bytes chunk = TRY(read_chunk());
      if (!chunk.empty()) return std::optional<Bytes>(limited(std::move(chunk)));
      if (!live) return std::optional<Bytes>();
      if (deadline.expired()) return Error(Code::DeadlineExceeded, "no log line in time");
      if (!sleep_unless_stopped(std::min(kFollowPause, deadline.remaining()), stop)) {
        return Error(Code::Canceled, "stopped");
      }
    }
    return std::optional<Bytes>();
  }

 private:
  // With tail_lines all that is there is gone through once, and the last lines of it are kept.
  Status open_and_seek() {
    opened_ = true;
    reader_.open_oldest();
    if (!options_.tail_lines) return Status();
    std::deque<Bytes> last;
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(0, *options_.tail_lines));
    for (auto line = TRY(next_text()); line; line = TRY(next_text())) {
      last.push_back(std::move(*line));
      if (last.size() > wanted) last.pop_front();
    }
    for (const Bytes& line : last)
      tail_ += line;
    return Status();
  }

  Result<Bytes> read_chunk() {
    Bytes chunk = std::exchange(tail_, {});
    while (chunk.size() < kReadAtOnce) {
      auto line = TRY(next_text());
      if (!line) break;
      chunk += *line;
    }
    return chunk;
  }

  // The next line as it is shown, its parts joined.
  Result<std::optional<Bytes>> next_text() {
    for (auto line = TRY(reader_.next()); line; line = TRY(reader_.next())) {
      auto entry = parse_log_line(*line);
      // A line that a crash cut short says nothing.
      if (!entry) continue;
      if (options_.since && !is_since(entry->time)) continue;
      if (partial_.empty() && options_.timestamps) partial_ = fmt::format("{} ", entry->time);
      partial_ += entry->text;
      if (entry->partial) continue;
      partial_ += '\n';
      return std::optional<Bytes>(std::exchange(partial_, {}));
    }
    return std::optional<Bytes>();
  }

  bool is_since(std::string_view time) const {
    auto at = parse_rfc3339(time);
    return !at || *at >= *options_.since;
  }

  Bytes limited(Bytes chunk) {
    if (!left_) return chunk;
    if (static_cast<std::int64_t>(chunk.size()) > *left_)
      chunk.resize(static_cast<std::size_t>(*left_));
    *left_ -= static_cast<std::int64_t>(chunk.size());
    return chunk;
  }

  EntryReader reader_;
  LogOptions options_;
  std::function<bool()> is_live_;
  std::optional<std::int64_t> left_;
  Bytes tail_;
  Bytes partial_;
  bool opened_ = false;
};

}  // namespace

std::unique_ptr<LogStream> open_log(std::string path,
                                    const LogOptions& options,
                                    std::function<bool()> is_live) {
  return std::make_unique<FileLogStream>(std::move(path), options, std::move(is_live));
}

}  // namespace lateen::sandbox
