// run_process of process.h: one loop that feeds the child's input, drains its outputs, and watches
// for its end, the deadline and the stop.
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "base/process.h"
#include "base/wake.h"

namespace lateen {

namespace {

constexpr auto kGrace = std::chrono::seconds(2);

// A grandchild may keep our pipes open for ever: so long is read on after the child's own end.
constexpr auto kLinger = std::chrono::milliseconds(250);

// Without pidfd, how often to look whether the child has ended.
constexpr auto kLookEvery = std::chrono::milliseconds(20);

// write(2) that answers EPIPE without killing us where SIGPIPE is not ignored (in a library one
// can't know).
ssize_t write_without_sigpipe(int fd, BytesView bytes) {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t put = ::write(fd, bytes.data(), bytes.size());
  const int failure = errno;
  if (put < 0 && failure == EPIPE) {
    const timespec at_once{};
    sigtimedwait(&pipe, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = failure;
  return put;
}

Status set_nonblocking(const UniqueFd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "preparing a pipe");
  return {};
}

class Run {
 public:
  Run(const ProcessSpec& spec, Child& child)
      : spec_(spec), child_(child), input_(spec.stdin_bytes) {}

  // All that the child said, once it has ended.
  Result<ProcessResult> complete(Deadline deadline, const std::stop_token& stop) {
    TRY(set_nonblocking(child_.in()));
    TRY(set_nonblocking(child_.out()));
    TRY(set_nonblocking(child_.err()));
    const auto stopped = TRY(StopFd::create(stop));
    if (input_.empty()) child_.in().reset();
    while (!ended_) {
      TRY(still_wanted(deadline, stop));
      TRY(step(deadline, stopped->get()));
      note_end();
    }
    const Deadline linger = Deadline::after(kLinger);
    while (!silent() && !linger.expired())
      TRY(step(linger, -1));
    return std::move(result_);
  }

 private:
  bool silent() const { return !child_.out().valid() && !child_.err().valid(); }

  void note_end() {
    const std::optional<ProcessEnd> end = child_.poll();
    if (!end) return;
    ended_ = true;
    static_cast<ProcessEnd&>(result_) = *end;
  }

  Status still_wanted(Deadline deadline, const std::stop_token& stop) const {
    if (stop.stop_requested()) return Error(Code::Canceled, "{} was stopped", spec_.argv[0]);
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "{} took too long and was ended", spec_.argv[0]);
    }
    return {};
  }

  Status step(Deadline deadline, int stop_fd) {
    pollfd fds[] = {{.fd = child_.in().get(), .events = POLLOUT, .revents = 0},
                    {.fd = child_.out().get(), .events = POLLIN, .revents = 0},
                    {.fd = child_.err().get(), .events = POLLIN, .revents = 0},
                    {.fd = ended_ ? -1 : child_.pidfd(), .events = POLLIN, .revents = 0},
                    {.fd = stop_fd, .events = POLLIN, .revents = 0}};
    const bool told = child_.pidfd() >= 0;
    TRY(poll_until(fds, told ? deadline : deadline.earlier_of(Deadline::after(kLookEvery))));
    if (fds[0].revents != 0) TRY(feed());
    if (fds[1].revents != 0) TRY(drain(child_.out(), result_.out));
    if (fds[2].revents != 0) TRY(drain(child_.err(), result_.err));
    return {};
  }

  // A child that does not want all of its input is no failure of ours: its exit code says what it
  // thinks.
  Status feed() {
    const ssize_t put = write_without_sigpipe(child_.in().get(), input_);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (put < 0 && errno != EPIPE) return errno_error(errno, "writing to a child");
    if (put > 0) input_.remove_prefix(static_cast<std::size_t>(put));
    if (put < 0 || input_.empty()) child_.in().reset();
    return {};
  }

  Status drain(UniqueFd& fd, Bytes& kept) {
    char buffer[65536];
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got < 0) return errno_error(errno, "reading from a child");
    if (got == 0) fd.reset();
    const BytesView bytes(buffer, static_cast<std::size_t>(got));
    const ByteCount room = spec_.max_output - kept.size();
    kept += bytes.substr(0, std::min<ByteCount>(room, bytes.size()));
    result_.truncated = result_.truncated || bytes.size() > room;
    return {};
  }

  const ProcessSpec& spec_;
  Child& child_;
  BytesView input_;
  ProcessResult result_;
  bool ended_ = false;
};

}  // namespace

Result<ProcessResult> run_process(const ProcessSpec& spec,
                                  Deadline deadline,
                                  const std::stop_token& stop) {
  Child child = TRY(Child::spawn({.argv = spec.argv,
                                  .env = spec.env,
                                  .cwd = spec.cwd,
                                  .in = Stdio::pipe(),
                                  .out = Stdio::pipe(),
                                  .err = Stdio::pipe()}));
  Run run(spec, child);
  auto result = run.complete(deadline, stop);
  if (!result) child.terminate(kGrace);
  return result;
}

}  // namespace lateen
