// The thread that a plugin's program lives by: it starts the program, reads what it writes, and
// ends it. The kernel kills the program when this thread ends, however it does. Only process.cc
// includes it.
#pragma once

#include <deque>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/process.h"
#include "base/thread.h"
#include "plugins/handshake.h"
#include "plugins/line_buffer.h"
#include "plugins/process.h"

namespace lateen::plugins {

// Thread-safe.
class PluginProcess::Supervisor {
 public:
  explicit Supervisor(const ProcessOptions& options);
  // Gives the program two seconds to end by itself, which somebody should have asked it to.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // What it printed first; once.
  Result<Handshake> wait_for_handshake(Deadline deadline, const std::stop_token& stop);

  // Does not wait for its end; the destructor does.
  void kill() { thread_.request_stop(); }

  pid_t pid() const;
  std::optional<ProcessEnd> wait_for_end(Deadline deadline) const;

  const Log& log() const { return log_; }

 private:
  void run(const std::stop_token& stop);
  void read_until_end(Child& child, const std::stop_token& stop);
  bool read_out(Child& child);
  bool read_err(Child& child);
  void take_line(std::string_view line);
  void publish(Result<Handshake> handshake);
  Error ended_too_early(const ProcessEnd& end) const;

  const ProcessOptions options_;
  const Log log_;
  LineBuffer out_{kMaxHandshake};  // of the thread alone, as the two below
  LineBuffer err_;
  std::deque<std::string> last_lines_;  // of stderr, for the error when it does not start
  bool has_spoken_ = false;

  mutable Mutex mu_;
  mutable Condition changed_;
  std::optional<Result<Handshake>> handshake_ LATEEN_GUARDED_BY(mu_);
  std::optional<ProcessEnd> end_ LATEEN_GUARDED_BY(mu_);
  pid_t pid_ LATEEN_GUARDED_BY(mu_) = -1;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace lateen::plugins
