// The log of one backup or restore: everything said goes to the server's log and into a gzip file
// of its own, which is uploaded; warnings and errors are counted and become the results document.
#pragma once

#include <memory>

#include "base/log.h"
#include "base/log_capture.h"
#include "base/result.h"
#include "base/temp.h"
#include "model/results.h"

namespace lateen::server {

// Thread-safe, but for finish().
class RunLog {
 public:
  // `base` is the server's log with the run's own fields ("backup", "velero/nightly").
  // `earlier` is the gzip file of a part that an earlier server wrote: it comes first.
  static Result<RunLog> create(const Log& base, LogFormat format, BytesView earlier = {});
  RunLog(RunLog&&) noexcept;
  ~RunLog();

  // What the run writes to.
  const Log& log() const { return log_; }

  std::size_t warnings() const;
  std::size_t errors() const;

  // Each warning and error by the namespace it belongs to, worded as Velero does:
  // " resource: /pods name: /web-0 message: /Error executing hook error: /…".
  model::Results results() const;

  // The gzip file so far, whole; its descriptor stands at the start. May be called again after more
  // was said.
  Result<int> finish();

 private:
  class Lines;
  RunLog(std::unique_ptr<Lines> lines, std::shared_ptr<CapturingSink> sink, Log log);

  std::unique_ptr<Lines> lines_;
  std::shared_ptr<CapturingSink> sink_;
  Log log_;
};

}  // namespace lateen::server
