#include "base/process.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bound_spawn.h"
#include "base/environment.h"
#include "base/thread.h"
#include "base/wake.h"

namespace lateen {

namespace {

// How often to look where the kernel has no pidfd (before Linux 5.3).
constexpr auto kLookEvery = std::chrono::milliseconds(20);

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  return Pipe{.reading = UniqueFd(ends[0]), .writing = UniqueFd(ends[1])};
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts)
    pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What posix_spawn shall do between fork and exec.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }

  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  SpawnPlan(SpawnPlan&&) = delete;
  SpawnPlan& operator=(SpawnPlan&&) = delete;

  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void set_signals_and_group(bool new_session) {
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    const int group = new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group));
  }

  void set_folder(const FilePath& cwd) {
    if (!cwd.empty()) posix_spawn_file_actions_addchdir_np(&actions_, cwd.c_str());
  }

  void connect(int target, const Stdio& stdio, const UniqueFd& childs_end) {
    switch (stdio.kind) {
      case Stdio::Kind::Null:
        posix_spawn_file_actions_addopen(&actions_, target, "/dev/null",
                                         target == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
        break;
      case Stdio::Kind::Inherit:
        break;
      case Stdio::Kind::Pipe:
        posix_spawn_file_actions_adddup2(&actions_, childs_end.get(), target);
        break;
      case Stdio::Kind::Fd:
        posix_spawn_file_actions_adddup2(&actions_, stdio.fd, target);
        break;
    }
  }

  void close_others() { posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1); }

  int spawn(pid_t& pid, const std::vector<std::string>& argv, const std::vector<std::string>& env) {
    const std::vector<char*> arguments = pointers_to(argv);
    const std::vector<char*> variables = pointers_to(env);
    return posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments.data(),
                        variables.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// A pipe for one of the child's streams, if it wants one: `ours` keeps our end.
Result<UniqueFd> pipe_for(const Stdio& stdio, bool child_reads, UniqueFd& ours) {
  if (stdio.kind != Stdio::Kind::Pipe) return UniqueFd();
  Pipe pipe = TRY(make_pipe());
  ours = std::move(child_reads ? pipe.writing : pipe.reading);
  return std::move(child_reads ? pipe.reading : pipe.writing);
}

// What spawn_bound shall put in the place of a standard stream.
int fd_of(const Stdio& stdio, const UniqueFd& childs_end) {
  switch (stdio.kind) {
    case Stdio::Kind::Null:
      return kNullStream;
    case Stdio::Kind::Inherit:
      return kInheritedStream;
    case Stdio::Kind::Pipe:
      return childs_end.get();
    case Stdio::Kind::Fd:
      return stdio.fd;
  }
  return kNullStream;
}

Error spawn_error(int number, const ChildSpec& spec) {
  if (number == ENOENT && !spec.cwd.empty() && !path_exists(spec.cwd)) {
    return {Code::NotFound, "running {}: there is no folder {}", spec.argv[0], spec.cwd.native()};
  }
  if (number == ENOENT) {
    return Error(Code::NotFound, "running {}: no such program", spec.argv[0])
        .with_hint(fmt::format("Install {}, or add its folder to PATH.", spec.argv[0]));
  }
  return errno_error(number, fmt::format("running {}", spec.argv[0]));
}

ProcessEnd end_of(int status) {
  if (WIFSIGNALED(status)) return {.exit_code = 128 + WTERMSIG(status), .signal = WTERMSIG(status)};
  return {.exit_code = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

struct Child::State {
  explicit State(pid_t child)
      : pid(child), pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))) {}

  const pid_t pid;
  const UniqueFd pidfd;
  // Reaping and signalling exclude each other: a reaped pid may soon be somebody else's.
  mutable Mutex mu;
  std::optional<ProcessEnd> end LATEEN_GUARDED_BY(mu);
};

std::string ProcessEnd::describe_end() const {
  if (signal == 0) return fmt::format("exit code {}", exit_code);
  const char* const name = sigdescr_np(signal);
  return fmt::format("killed by signal {} ({})", signal, name != nullptr ? name : "unknown");
}

Child::Child(std::unique_ptr<State> state) : state_(std::move(state)) {}

Child::Child(Child&& other) noexcept = default;

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill_and_reap();
    state_ = std::move(other.state_);
    in_ = std::move(other.in_);
    out_ = std::move(other.out_);
    err_ = std::move(other.err_);
  }
  return *this;
}

Child::~Child() {
  kill_and_reap();
}

Result<Child> Child::spawn(const ChildSpec& spec) {
  if (spec.argv.empty()) return Error(Code::InvalidArgument, "no program to run");
  UniqueFd in;
  UniqueFd out;
  UniqueFd err;
  const UniqueFd child_in = TRY(pipe_for(spec.in, true, in));
  const UniqueFd child_out = TRY(pipe_for(spec.out, false, out));
  const UniqueFd child_err = TRY(pipe_for(spec.err, false, err));
  SpawnPlan plan;
  plan.set_signals_and_group(spec.new_session);
  plan.connect(STDIN_FILENO, spec.in, child_in);
  plan.connect(STDOUT_FILENO, spec.out, child_out);
  plan.connect(STDERR_FILENO, spec.err, child_err);
  plan.close_others();
  plan.set_folder(spec.cwd);
  pid_t pid = -1;
  const std::vector<std::string> env = spec.env ? *spec.env : environment();
  const int failure =
      spec.dies_with_thread
          ? spawn_bound(pid, {.argv = spec.argv,
                              .env = env,
                              .cwd = spec.cwd,
                              .stdio = {fd_of(spec.in, child_in), fd_of(spec.out, child_out),
                                        fd_of(spec.err, child_err)}})
          : plan.spawn(pid, spec.argv, env);
  if (failure != 0) return spawn_error(failure, spec);
  Child child(std::make_unique<State>(pid));
  child.in_ = std::move(in);
  child.out_ = std::move(out);
  child.err_ = std::move(err);
  return child;
}

pid_t Child::pid() const {
  return state_ ? state_->pid : -1;
}

int Child::pidfd() const {
  return state_ ? state_->pidfd.get() : -1;
}

Status Child::signal(int number) const {
  if (!state_) return Error(Code::NotFound, "the process is no longer ours");
  const Lock lock(state_->mu);
  if (state_->end) return Error(Code::NotFound, "process {} has ended", state_->pid);
  if (::killpg(state_->pid, number) != 0) {
    return errno_error(errno, fmt::format("signalling process {}", state_->pid));
  }
  return {};
}

std::optional<ProcessEnd> Child::poll() {
  if (!state_) return std::nullopt;
  const Lock lock(state_->mu);
  if (state_->end) return state_->end;
  int status = 0;
  const pid_t got = ::waitpid(state_->pid, &status, WNOHANG);
  if (got == state_->pid) state_->end = end_of(status);
  // Somebody else reaped it, against our rules: its end is lost, but not the fact.
  if (got < 0 && errno == ECHILD) state_->end = ProcessEnd{.exit_code = 255, .signal = 0};
  return state_->end;
}

Result<ProcessEnd> Child::wait(Deadline deadline, const std::stop_token& stop) {
  if (!state_) return Error(Code::NotFound, "the process is no longer ours");
  const auto stopped = TRY(StopFd::create(stop));
  for (;;) {
    if (const auto end = poll()) return *end;
    if (stop.stop_requested()) {
      return Error(Code::Canceled, "stopped waiting for process {}", pid());
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "process {} still runs", pid());
    }
    pollfd fds[] = {{.fd = pidfd(), .events = POLLIN, .revents = 0},
                    {.fd = stopped->get(), .events = POLLIN, .revents = 0}};
    const bool told = pidfd() >= 0;
    TRY(poll_until(fds, told ? deadline : deadline.earlier_of(Deadline::after(kLookEvery))));
  }
}

ProcessEnd Child::terminate(Duration grace) {
  // An error of signal() means that it has ended; an error of wait(), that it has not.
  (void)signal(SIGTERM);
  if (const auto end = wait(Deadline::after(grace), {})) return *end;
  (void)signal(SIGKILL);
  const auto end = wait(Deadline::never(), {});
  return end ? *end : ProcessEnd{.exit_code = 128 + SIGKILL, .signal = SIGKILL};
}

pid_t Child::release() {
  const pid_t pid = this->pid();
  state_.reset();
  return pid;
}

void Child::kill_and_reap() {
  if (!state_ || poll()) return;
  (void)signal(SIGKILL);  // fails only if it has just ended
  (void)wait(Deadline::never(), {});
}

}  // namespace lateen
