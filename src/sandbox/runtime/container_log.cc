#include "sandbox/runtime/container_log.h"

#include <sys/stat.h>

#include "base/text.h"
#include "base/time.h"

namespace lateen::sandbox {
namespace {

// Always nine digits, as containerd writes it, so that a reader may compare times as texts.
std::string format_log_time(TimePoint t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  std::string out = format_rfc3339(seconds);
  out.pop_back();
  return fmt::format("{}.{:09}Z", out, (t - seconds).count());
}

}  // namespace

Result<ContainerLog> ContainerLog::open(std::string path) {
  UniqueFd fd = TRY(open_for_appending(path, 0640));
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return errno_error(errno, path);
  return ContainerLog(std::move(path), std::move(fd), static_cast<ByteCount>(info.st_size));
}

Status ContainerLog::append(std::string_view stream, BytesView bytes, TimePoint now) {
  Bytes& pending = stream == "stdout" ? out_ : err_;
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t length = newline == BytesView::npos ? bytes.size() : newline;
    pending.append(bytes.substr(0, length));
    while (pending.size() > kMaxLogLine) {
      TRY(write_entry(stream, 'P', BytesView(pending).substr(0, kMaxLogLine), now));
      pending.erase(0, kMaxLogLine);
    }
    if (newline == BytesView::npos) return Status();
    TRY(write_entry(stream, 'F', pending, now));
    pending.clear();
    bytes.remove_prefix(newline + 1);
  }
  return Status();
}

Status ContainerLog::finish(TimePoint now) {
  if (!out_.empty()) TRY(write_entry("stdout", 'F', out_, now));
  if (!err_.empty()) TRY(write_entry("stderr", 'F', err_, now));
  out_.clear();
  err_.clear();
  return Status();
}

Status ContainerLog::write_entry(std::string_view stream, char tag, BytesView text, TimePoint now) {
  const std::string line = fmt::format("{} {} {} {}\n", format_log_time(now), stream, tag, text);
  if (size_ + line.size() > kMaxLogFile) TRY(rotate());
  size_ += line.size();
  return write_all(fd_.get(), line);
}

Status ContainerLog::rotate() {
  TRY(rename_file(path_, path_ + ".1"));
  fd_ = TRY(open_for_appending(path_, 0640));
  size_ = 0;
  return Status();
}

Result<LogEntryView> parse_log_line(std::string_view line) {
  const Cut time = cut(line, " ");
  const Cut stream = cut(time.after, " ");
  const Cut tag = cut(stream.after, " ");
  if (!time.found || !stream.found || !tag.found || (tag.before != "F" && tag.before != "P")) {
    return Error(Code::Corrupt, "not a line of a container's log");
  }
  return LogEntryView{.time = time.before,
                      .stream = stream.before,
                      .partial = tag.before == "P",
                      .text = tag.after};
}

}  // namespace lateen::sandbox
