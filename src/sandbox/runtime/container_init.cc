#include "sandbox/runtime/container_init.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "base/text.h"
#include "sandbox/runtime/container_entry.h"
#include "sandbox/runtime/container_root.h"

namespace lateen::sandbox {
namespace {

// How long processes may take to stand still: what is in an uninterruptible disk wait finishes that
// first.
constexpr Duration kInitFreezeWait = std::chrono::seconds(5);

// What a container keeps of root's powers: the set that container engines leave by default.
constexpr std::array<int, 14> kKeptCapabilities{0 /*CHOWN*/,         1 /*DAC_OVERRIDE*/,
                                                3 /*FOWNER*/,        4 /*FSETID*/,
                                                5 /*KILL*/,          6 /*SETGID*/,
                                                7 /*SETUID*/,        8 /*SETPCAP*/,
                                                10 /*BIND_SERVICE*/, 13 /*NET_RAW*/,
                                                18 /*SYS_CHROOT*/,   27 /*MKNOD*/,
                                                29 /*AUDIT_WRITE*/,  31 /*SETFCAP*/};

void drop_capabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    const bool kept = std::find(kKeptCapabilities.begin(), kKeptCapabilities.end(), capability) !=
                      kKeptCapabilities.end();
    // Fails only where we have no right to drop, that is, where there is nothing to drop.
    if (!kept) (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

Status take_identity(const ContainerSpec& spec) {
  // In a user namespace of one user there are no groups to choose from, and nothing to change to.
  const bool may_choose =
      setgroups(spec.groups.size(), spec.groups.empty() ? nullptr : spec.groups.data()) == 0;
  if (spec.gid && *spec.gid != getgid() && setresgid(*spec.gid, *spec.gid, *spec.gid) != 0 &&
      may_choose) {
    return errno_error(errno, fmt::format("becoming group {}", *spec.gid));
  }
  if (spec.uid && *spec.uid != getuid() && setresuid(*spec.uid, *spec.uid, *spec.uid) != 0) {
    return errno_error(errno, fmt::format("becoming user {}", *spec.uid));
  }
  return Status();
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number)
    (void)signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> as_argv(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts)
    out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// As a container engine finds a program: by the PATH of the container's own environment.
std::string find_program(const ContainerSpec& spec) {
  const std::string& name = spec.argv.front();
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const std::string& variable : spec.env) {
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  }
  for (const std::string_view directory : split(path, ':')) {
    std::string candidate = fmt::format("{}/{}", directory, name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

// Starts the program; a failure to start it comes back over a pipe that a successful execve closes.
Result<pid_t> start_program(const ContainerSpec& spec) {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  UniqueFd reader(pipe_fds[0]);
  UniqueFd writer(pipe_fds[1]);
  const pid_t child = fork();
  if (child < 0) return errno_error(errno, "forking");
  if (child == 0) {
    (void)setsid();
    const Error error = become_program(spec);
    (void)write_all(writer.get(), error.message());
    _exit(128);
  }
  writer.reset();
  const Bytes failure = TRY(read_all(reader.get(), 64_KiB));
  if (!failure.empty()) return Error(Code::InvalidArgument, "{}", failure);
  return child;
}

// Whether every process of this pid namespace but us stands still (or is dead).
bool all_stopped() {
  auto entries = list_dir("/proc");
  if (!entries) return true;
  for (const DirEntry& entry : *entries) {
    if (entry.name == "1" || !parse_int(entry.name)) continue;
    auto stat = read_file("/proc/" + entry.name + "/stat", 64_KiB);
    if (!stat) continue;
    const Cut state = cut_last(*stat, ") ");
    if (state.found && std::string_view("TtZX").find(state.after.front()) == std::string_view::npos)
      return false;
  }
  return true;
}

void freeze() {
  // -1 is everyone in this namespace but ourselves. The kernel makes it whole: a fork under way is
  // either stopped as well or starts over after the thaw.
  (void)kill(-1, SIGSTOP);
  const Deadline deadline = Deadline::after(kInitFreezeWait);
  bool standing = all_stopped();
  while (!standing && !deadline.expired()) {
    (void)sleep_unless_stopped(std::chrono::milliseconds(1), {});
    standing = all_stopped();
  }
  report({{"event", "frozen"}, {"complete", standing}});
}

// The container's pid 1. Not thread-safe.
class Init {
 public:
  Init(UniqueFd commands, UniqueFd signals, pid_t program)
      : commands_(std::move(commands)), signals_(std::move(signals)), program_(program) {}

  int run() {
    while (true) {
      if (const auto status = reap()) return report_exit(*status);
      std::array<pollfd, 2> fds{{{commands_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
      (void)poll(fds.data(), fds.size(), -1);
      if (fds[0].revents != 0 && !obey()) return 137;
      if (fds[1].revents != 0) forward_signal();
    }
  }

 private:
  // The program's wait status once it has ended. Others that were orphaned to us are only cleared
  // away.
  std::optional<int> reap() const {
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      if (pid == program_) return status;
    }
    return std::nullopt;
  }

  // False when nobody is left to command us.
  bool obey() const {
    std::array<char, 16> bytes{};
    const ssize_t count = read(commands_.get(), bytes.data(), bytes.size());
    if (count <= 0) return false;
    for (ssize_t i = 0; i < count; ++i) {
      switch (static_cast<ContainerCommand>(bytes[static_cast<std::size_t>(i)])) {
        case ContainerCommand::Terminate:
          (void)kill(program_, SIGTERM);
          break;
        case ContainerCommand::Begin:
          break;
        case ContainerCommand::Kill:
          return false;
        case ContainerCommand::Freeze:
          freeze();
          break;
        case ContainerCommand::Thaw:
          (void)kill(-1, SIGCONT);
          report({{"event", "thawed"}});
          break;
      }
    }
    return true;
  }

  // `kill 1` in a container is meant for its program.
  void forward_signal() const {
    signalfd_siginfo info{};
    if (read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
    const int number = static_cast<int>(info.ssi_signo);
    if (number != SIGCHLD) (void)kill(program_, number);
  }

  static int report_exit(int status) {
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const int code = number != 0 ? 128 + number : WEXITSTATUS(status);
    report({{"event", "exited"}, {"exitCode", code}, {"signal", number}});
    return code;
  }

  UniqueFd commands_;
  UniqueFd signals_;
  pid_t program_;
};

Result<UniqueFd> open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH})
    sigaddset(&set, number);
  if (sigprocmask(SIG_SETMASK, &set, nullptr) != 0) return errno_error(errno, "blocking signals");
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) return errno_error(errno, "making a signalfd");
  return fd;
}

Result<int> set_up_and_run(const ContainerSpec& spec, UniqueFd commands) {
  if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) != 0)
    return errno_error(errno, "making namespaces");
  if (!spec.hostname.empty() && sethostname(spec.hostname.c_str(), spec.hostname.size()) != 0) {
    return errno_error(errno, "setting the host name");
  }
  TRY(enter_container_root(spec));
  if (spec.mode == ContainerMode::Probe) {
    report({{"event", "exited"}, {"exitCode", 0}, {"signal", 0}});
    return 0;
  }
  UniqueFd signals = TRY(open_signals());
  const pid_t program = TRY(start_program(spec));
  report({{"event", "started"}});
  return Init(std::move(commands), std::move(signals), program).run();
}

}  // namespace

void report(const JsonObject& event) {
  // A reader that has gone is the sandbox having died: the supervisor sees that by itself.
  (void)write_all(kStatusFd, write_json(event) + "\n");
}

Error become_program(const ContainerSpec& spec) {
  drop_capabilities();
  auto identity = take_identity(spec);
  if (!identity) return std::move(identity).error();
  const std::string directory = spec.working_dir.empty() ? "/" : spec.working_dir;
  if (chdir(directory.c_str()) != 0)
    return errno_error(errno,
                       fmt::format("chdir to cwd (\"{}\") set in config.json failed", directory));
  const std::string program = find_program(spec);
  if (program.empty()) {
    return Error(Code::NotFound, "exec: \"{}\": executable file not found in $PATH",
                 spec.argv.front());
  }
  reset_signals();
  std::vector<std::string> env = spec.env;
  execve(program.c_str(), as_argv(spec.argv).data(), as_argv(env).data());
  return Error(Code::InvalidArgument, "exec: \"{}\": {}", spec.argv.front(),
               std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): one thread
}

int run_container_init(const ContainerSpec& spec, UniqueFd commands) {
  // Should our supervisor be killed, so are we, and the kernel then ends the container.
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Nothing of ours may be heard before our pid is: what hears "started" may join our namespaces by
  // it.
  char begin = 0;
  if (read(commands.get(), &begin, 1) != 1) return 137;
  auto code = set_up_and_run(spec, std::move(commands));
  if (code) return *code;
  report({{"event", "failed"}, {"message", code.error().message()}});
  return 128;
}

}  // namespace lateen::sandbox
