// Other programs: run to their end, or kept running. Never through a shell. A child gets only the
// descriptors named here, default signals, and an empty signal mask.
//
//   const ProcessResult r = TRY(run_process({.argv = {"aws", "eks", "get-token"}},
//   Deadline::after(60s), stop)); if (!r.ok()) return Error(Code::Unauthenticated, "aws {}: {}",
//   r.describe_end(), trim(r.err));
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen {

// How a process ended: by itself, or by a signal. Immutable.
struct ProcessEnd {
  int exit_code = 0;  // 128 + signal if a signal ended it, as a shell says it
  int signal = 0;

  bool ok() const { return exit_code == 0 && signal == 0; }

  // "exit code 3", "killed by signal 9 (Killed)".
  std::string describe_end() const;
};

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH unless it has a '/'
  std::optional<std::vector<std::string>> env = {};  // NAME=value; ours if absent
  FilePath cwd = {};                                 // ours if empty
  Bytes stdin_bytes = {};
  ByteCount max_output = 16_MiB;  // of each of out and err; the rest is read and dropped
};

struct ProcessResult : ProcessEnd {
  Bytes out;
  Bytes err;
  bool truncated = false;
};

// Runs it to its end. At the deadline or the stop it and its process group get SIGTERM, 2 s later
// SIGKILL, and the answer is DeadlineExceeded or Canceled. NotFound if there is no such program. A
// process that ran and failed is not an Error.
Result<ProcessResult> run_process(const ProcessSpec& spec,
                                  Deadline deadline,
                                  const std::stop_token& stop);

// Where one of a child's standard streams goes.
struct Stdio {
  enum class Kind { Null, Inherit, Pipe, Fd };
  Kind kind = Kind::Null;
  int fd = -1;  // for Fd: stays the caller's

  static Stdio null() { return {}; }

  static Stdio inherit() { return {.kind = Kind::Inherit}; }

  static Stdio pipe() { return {.kind = Kind::Pipe}; }

  static Stdio to(int fd) { return {.kind = Kind::Fd, .fd = fd}; }
};

struct ChildSpec {
  std::vector<std::string> argv;
  std::optional<std::vector<std::string>> env = {};
  FilePath cwd = {};
  Stdio in = {};
  Stdio out = {};
  Stdio err = {};
  bool new_session = false;  // for what outlives us; otherwise it leads a process group of its own
  // The kernel kills it when the *thread* that spawned it ends, however that ends: for helpers that
  // must not outlive us. Spawn such a one from a thread that lives as long as the child shall.
  bool dies_with_thread = false;
};

// A running child. Unless released or waited for, it and its group are killed and reaped by the
// destructor. signal(), poll() and wait() may be called from several threads; the rest is not
// thread-safe.
class Child {
 public:
  static Result<Child> spawn(const ChildSpec& spec);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t pid() const;

  // Our ends of the pipes; invalid unless asked for. Reset `in()` to let the child see the end of
  // its input.
  UniqueFd& in() { return in_; }

  UniqueFd& out() { return out_; }

  UniqueFd& err() { return err_; }

  // To the child's whole process group. NotFound once it has been reaped.
  Status signal(int number) const;

  // Its end, or DeadlineExceeded or Canceled if it still runs. May be asked again.
  Result<ProcessEnd> wait(Deadline deadline, const std::stop_token& stop);

  // Its end, if it has ended. Does not wait.
  std::optional<ProcessEnd> poll();

  // SIGTERM, and SIGKILL after `grace`; then its end.
  ProcessEnd terminate(Duration grace);

  // Leaves it running for good: the caller has the pid.
  pid_t release();

  // Readable when it has ended; for poll(2). -1 where the kernel has none.
  int pidfd() const;

 private:
  struct State;
  explicit Child(std::unique_ptr<State> state);
  void kill_and_reap();

  std::unique_ptr<State> state_;  // null once moved from or released
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
};

}  // namespace lateen
