#include "sandbox/runtime/exec_session.h"

#include <array>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/wake.h"

namespace lateen::sandbox {
namespace {

constexpr std::size_t kChunk = 32 * 1024;
constexpr std::size_t kMaxProbeOutput = 10 * 1024;

struct Ends {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Ends> make_ends(bool we_read) {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  Ends ends{.ours = UniqueFd(fds[we_read ? 0 : 1]), .theirs = UniqueFd(fds[we_read ? 1 : 0])};
  (void)fcntl(ends.ours.get(), F_SETFL, O_NONBLOCK);
  return ends;
}

Result<Ends> make_terminal() {
  UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!master) return errno_error(errno, "opening a terminal");
  std::array<char, 64> name{};
  if (grantpt(master.get()) != 0 || unlockpt(master.get()) != 0 ||
      ptsname_r(master.get(), name.data(), name.size()) != 0) {
    return errno_error(errno, "preparing a terminal");
  }
  UniqueFd slave(open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) return errno_error(errno, name.data());
  return Ends{.ours = std::move(master), .theirs = std::move(slave)};
}

// Thread-safe as ExecSession says: one reader, one writer.
class ContainerExec final : public ExecSession {
 public:
  ContainerExec(ContainerProcess process, UniqueFd in, UniqueFd out, UniqueFd err)
      : process_(std::move(process)),
        in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)) {}

  Status write_stdin(BytesView bytes, std::stop_token stop) override {
    const std::unique_ptr<StopFd> stopped = TRY(StopFd::create(stop));
    while (!bytes.empty() && in_) {
      const ssize_t count = write(in_.get(), bytes.data(), bytes.size());
      if (count > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else if (count < 0 && errno == EAGAIN) {
        std::array<pollfd, 2> fds{{{in_.get(), POLLOUT, 0}, {stopped->get(), POLLIN, 0}}};
        TRY(poll_until(fds, Deadline::never()));
        if (fds[1].revents != 0) return Error(Code::Canceled, "stopped");
      } else if (count < 0 && errno != EINTR) {
        return Status();  // it has closed its input or ended: not the writer's fault
      }
    }
    return Status();
  }

  void close_stdin() override {
    // At a terminal the end of input is a character; closing would hang up the whole session.
    if (terminal_) {
      (void)write(in_.get(), "\x04", 1);
      return;
    }
    in_.reset();
  }

  void resize(unsigned columns, unsigned rows) override {
    if (!terminal_) return;
    winsize size{};
    size.ws_col = static_cast<unsigned short>(columns);
    size.ws_row = static_cast<unsigned short>(rows);
    (void)ioctl(in_.get(), TIOCSWINSZ, &size);
  }

  Result<std::optional<ExecOutput>> read(Deadline deadline, std::stop_token stop) override {
    const std::unique_ptr<StopFd> stopped = TRY(StopFd::create(stop));
    while (out_ || err_ || !ended_) {
      std::array<pollfd, 4> fds{{{out_.get(), POLLIN, 0},
                                 {err_.get(), POLLIN, 0},
                                 {ended_ ? -1 : process_.event_fd(), POLLIN, 0},
                                 {stopped->get(), POLLIN, 0}}};
      const int ready = TRY(poll_until(fds, deadline));
      if (fds[3].revents != 0) return Error(Code::Canceled, "stopped");
      if (ready == 0) return Error(Code::DeadlineExceeded, "no output in time");
      if (fds[2].revents != 0) hear_events();
      if (auto bytes = take(out_, fds[0].revents))
        return ExecOutput{ExecOutput::Stream::Stdout, std::move(*bytes)};
      if (auto bytes = take(err_, fds[1].revents))
        return ExecOutput{ExecOutput::Stream::Stderr, std::move(*bytes)};
    }
    if (!failure_.empty()) {
      return Error(Code::InvalidArgument, "{}", failure_);
    }
    return std::nullopt;
  }

  int exit_code() const override { return exit_code_; }

  void set_terminal() { terminal_ = true; }

 private:
  void hear_events() {
    for (const ContainerEvent& event : process_.read_events()) {
      if (event.kind == ContainerEventKind::Exited) exit_code_ = event.exit_code;
      if (event.kind == ContainerEventKind::Failed) failure_ = event.message;
      if (event.kind != ContainerEventKind::Ended) continue;
      ended_ = true;
      // What the program leaves behind in the background may hold the streams open: what is in them
      // now is all we wait for.
      draining_ = true;
    }
  }

  // Some bytes; closes the stream at its end, and when nothing more is in it after the program's
  // end.
  std::optional<Bytes> take(UniqueFd& fd, short happened) const {
    if (!fd || (happened == 0 && !draining_)) return std::nullopt;
    Bytes bytes(kChunk, '\0');
    const ssize_t count = ::read(fd.get(), bytes.data(), bytes.size());
    if (count > 0) {
      bytes.resize(static_cast<std::size_t>(count));
      return bytes;
    }
    const bool nothing_yet = count < 0 && (errno == EAGAIN || errno == EINTR);
    if (!nothing_yet || draining_) fd.reset();
    return std::nullopt;
  }

  ContainerProcess process_;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  bool terminal_ = false;
  bool ended_ = false;
  bool draining_ = false;
  int exit_code_ = 137;
  std::string failure_;
};

Result<std::unique_ptr<ContainerExec>> start_terminal(const std::string& program,
                                                      const ContainerSpec& spec) {
  Ends terminal = TRY(make_terminal());
  const int slave = terminal.theirs.get();
  ContainerProcess process =
      TRY(ContainerProcess::start(program, spec, {.in = slave, .out = slave, .err = slave}));
  UniqueFd in(fcntl(terminal.ours.get(), F_DUPFD_CLOEXEC, 0));
  auto session = std::make_unique<ContainerExec>(std::move(process), std::move(in),
                                                 std::move(terminal.ours), UniqueFd());
  session->set_terminal();
  return session;
}

}  // namespace

Result<std::unique_ptr<ExecSession>> start_exec(const std::string& program,
                                                ContainerSpec spec,
                                                const ExecOptions& options) {
  spec.mode = ContainerMode::Exec;
  spec.argv = options.command;
  spec.tty = options.tty;
  if (options.tty) return std::unique_ptr<ExecSession>(TRY(start_terminal(program, spec)));
  Ends in = TRY(make_ends(false));
  Ends out = TRY(make_ends(true));
  Ends err = TRY(make_ends(true));
  ContainerProcess process =
      TRY(ContainerProcess::start(program, spec,
                                  {.in = options.stdin_open ? in.theirs.get() : -1,
                                   .out = out.theirs.get(),
                                   .err = err.theirs.get()}));
  if (!options.stdin_open) in.ours.reset();
  return std::unique_ptr<ExecSession>(std::make_unique<ContainerExec>(
      std::move(process), std::move(in.ours), std::move(out.ours), std::move(err.ours)));
}

Result<ExecResult> run_exec(const std::string& program,
                            ContainerSpec spec,
                            Deadline deadline,
                            std::stop_token stop) {
  const ExecOptions options{.command = spec.argv};
  auto session = TRY(start_exec(program, std::move(spec), options));
  ExecResult result;
  while (auto output = TRY(session->read(deadline, stop))) {
    const std::size_t room = kMaxProbeOutput - std::min(kMaxProbeOutput, result.output.size());
    result.output.append(output->bytes.substr(0, room));
  }
  result.exit_code = session->exit_code();
  return result;
}

}  // namespace lateen::sandbox
