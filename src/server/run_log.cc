#include "server/run_log.h"

#include "base/gzip.h"
#include "base/thread.h"

namespace lateen::server {
namespace {

// Lines are packed this many bytes at a time: memory is one of these.
constexpr std::size_t kMember = 256 * 1024;

std::string field_text(const LogEntry& entry, std::string_view key) {
  // The call's own fields come last, and win.
  for (auto field = entry.fields.rbegin(); field != entry.fields.rend(); ++field) {
    if (field->key != key) continue;
    if (const auto* text = std::get_if<std::string>(&field->value)) return *text;
    return {};
  }
  return {};
}

std::string result_text(const LogEntry& entry) {
  std::string text;
  if (const std::string resource = field_text(entry, "resource"); !resource.empty()) {
    text += fmt::format(" resource: /{}", resource);
  }
  if (const std::string name = field_text(entry, "name"); !name.empty()) {
    text += fmt::format(" name: /{}", name);
  }
  text += fmt::format(" message: /{}", entry.message);
  if (const std::string error = field_text(entry, "error"); !error.empty()) {
    text += fmt::format(" error: /{}", error);
  }
  return text;
}

}  // namespace

// Collects lines into gzip members in a temporary file. Used under the sink's lock, and by
// finish().
class RunLog::Lines {
 public:
  explicit Lines(TempFile file) : file_(std::move(file)) {}

  Status add(BytesView line) {
    const Lock lock(mu_);
    pending_ += line;
    return pending_.size() < kMember ? Status() : flush();
  }

  Result<int> finish() {
    const Lock lock(mu_);
    TRY(flush());
    TRY(file_.seek(0));
    position_is_start_ = true;
    return file_.fd();
  }

 private:
  Status flush() LATEEN_REQUIRES(mu_) {
    if (pending_.empty() && members_ > 0) return {};
    if (position_is_start_) {
      TRY(file_.seek(TRY(file_.size())));
      position_is_start_ = false;
    }
    TRY(file_.write(gzip_member(pending_)));
    ++members_;
    pending_.clear();
    return {};
  }

  Mutex mu_;
  TempFile file_ LATEEN_GUARDED_BY(mu_);
  Bytes pending_ LATEEN_GUARDED_BY(mu_);
  int members_ LATEEN_GUARDED_BY(mu_) = 0;
  bool position_is_start_ LATEEN_GUARDED_BY(mu_) = false;
};

RunLog::RunLog(std::unique_ptr<Lines> lines, std::shared_ptr<CapturingSink> sink, Log log)
    : lines_(std::move(lines)), sink_(std::move(sink)), log_(std::move(log)) {}

RunLog::RunLog(RunLog&&) noexcept = default;

RunLog::~RunLog() = default;

Result<RunLog> RunLog::create(const Log& base, LogFormat format, BytesView earlier) {
  TempFile file = TRY(TempFile::create());
  TRY(file.write(earlier));
  auto lines = std::make_unique<Lines>(std::move(file));
  Lines* writer = lines.get();
  auto sink = std::make_shared<CapturingSink>(
      LogLevel::Info, format, [writer](BytesView line) { return writer->add(line); });
  Log log = base.to(make_tee_sink({base.sink(), sink}));
  return RunLog(std::move(lines), std::move(sink), std::move(log));
}

std::size_t RunLog::warnings() const {
  return sink_->warnings();
}

std::size_t RunLog::errors() const {
  return sink_->errors();
}

model::Results RunLog::results() const {
  model::Results results;
  for (const LogEntry& entry : sink_->kept()) {
    model::ResultList& list = entry.level == LogLevel::Error ? results.errors : results.warnings;
    const std::string ns = field_text(entry, "namespace");
    if (!ns.empty()) {
      list.add(ns, result_text(entry));
    } else if (!field_text(entry, "name").empty()) {
      list.add({}, result_text(entry));  // a cluster-scoped object's
    } else {
      list.add_velero(result_text(entry));
    }
  }
  return results;
}

Result<int> RunLog::finish() {
  return lines_->finish();
}

}  // namespace lateen::server
