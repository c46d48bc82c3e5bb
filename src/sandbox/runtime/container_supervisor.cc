#include "sandbox/runtime/container_supervisor.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "sandbox/runtime/container_entry.h"
#include "sandbox/runtime/container_init.h"
#include "sandbox/runtime/container_log.h"

namespace lateen::sandbox {
namespace {

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  return Pipe{.reader = UniqueFd(fds[0]), .writer = UniqueFd(fds[1])};
}

// Not thread-safe.
class Supervisor {
 public:
  Supervisor(const ContainerSpec& spec, std::optional<ContainerLog> log)
      : spec_(spec), log_(std::move(log)) {}

  Result<int> run() {
    Pipe out = TRY(make_pipe());
    Pipe err = TRY(make_pipe());
    Pipe commands = TRY(make_pipe());
    init_ = fork();
    if (init_ < 0) return errno_error(errno, "forking");
    if (init_ == 0) {
      commands.writer.reset();
      if (dup2(out.writer.get(), 1) < 0 || dup2(err.writer.get(), 2) < 0) _exit(128);
      _exit(run_container_init(spec_, std::move(commands.reader)));
    }
    out_ = std::move(out.reader);
    err_ = std::move(err.reader);
    commands_ = std::move(commands.writer);
    out.writer.reset();
    err.writer.reset();
    commands.reader.reset();
    TRY(write_pid_file());
    report({{"event", "pid"},
            {"pid", init_},
            {"start", static_cast<std::int64_t>(process_start_time(init_))}});
    const char begin = static_cast<char>(ContainerCommand::Begin);
    // Fails only when the init is dead already, which pump() sees.
    (void)write_all(commands_.get(), BytesView(&begin, 1));
    pump();
    return end();
  }

 private:
  Status write_pid_file() const {
    if (spec_.pid_file.empty()) return Status();
    return write_file_atomic(spec_.pid_file, fmt::format("{}\n{}\n", process_identity(getpid()),
                                                         process_identity(init_)));
  }

  // Until both outputs have ended, which is when everything in the container is dead or has closed
  // them, and the sandbox has nothing more to command.
  void pump() {
    bool commanded = true;
    while (out_ || err_) {
      std::array<pollfd, 3> fds{{{commanded ? kControlFd : -1, POLLIN, 0},
                                 {out_.get(), POLLIN, 0},
                                 {err_.get(), POLLIN, 0}}};
      if (poll(fds.data(), fds.size(), -1) < 0) continue;
      if (fds[0].revents != 0) commanded = pass_commands();
      if (fds[1].revents != 0) drain(out_, "stdout");
      if (fds[2].revents != 0) drain(err_, "stderr");
    }
  }

  // False at the end of commands: the sandbox is gone, and so must the container be.
  bool pass_commands() {
    std::array<char, 64> bytes{};
    const ssize_t count = read(kControlFd, bytes.data(), bytes.size());
    if (count <= 0) {
      (void)kill(init_, SIGKILL);
      return false;
    }
    const std::string_view received(bytes.data(), static_cast<std::size_t>(count));
    if (received.find(static_cast<char>(ContainerCommand::Kill)) != std::string_view::npos)
      (void)kill(init_, SIGKILL);
    // Fails only when the init is dead already.
    (void)write_all(commands_.get(), received);
    return true;
  }

  void drain(UniqueFd& fd, std::string_view stream) {
    std::array<char, 32 * 1024> bytes{};
    const ssize_t count = read(fd.get(), bytes.data(), bytes.size());
    if (count <= 0) {
      fd.reset();
      return;
    }
    // A full disk loses log lines; it must not stop the container.
    if (log_)
      (void)log_->append(stream, BytesView(bytes.data(), static_cast<std::size_t>(count)),
                         clock_.now());
  }

  // Waits for the init, however long: a program may have closed its outputs and live on.
  int end() {
    std::array<pollfd, 1> control{{{kControlFd, POLLIN, 0}}};
    int status = 0;
    bool commanded = true;
    while (waitpid(init_, &status, WNOHANG) == 0) {
      if (!commanded) {
        (void)waitpid(init_, &status, 0);
        break;
      }
      if (poll(control.data(), control.size(), 20) > 0) commanded = pass_commands();
    }
    if (log_) (void)log_->finish(clock_.now());
    if (!spec_.pid_file.empty()) (void)remove_file(spec_.pid_file);
    if (WIFSIGNALED(status)) {
      const int number = WTERMSIG(status);
      report({{"event", "exited"}, {"exitCode", 128 + number}, {"signal", number}});
    }
    report({{"event", "ended"}});
    return 0;
  }

  const ContainerSpec& spec_;
  std::optional<ContainerLog> log_;
  SystemClock clock_;
  UniqueFd out_;
  UniqueFd err_;
  UniqueFd commands_;
  pid_t init_ = -1;
};

}  // namespace

std::uint64_t process_start_time(int pid) {
  auto stat = read_file(fmt::format("/proc/{}/stat", pid), 64_KiB);
  if (!stat) return 0;
  // The program's name may hold blanks and parentheses; what follows the last ")" is numbers. Field
  // 22 of proc(5).
  const std::vector<std::string_view> fields = split(cut_last(*stat, ") ").after, ' ');
  if (fields.size() < 20) return 0;
  auto start = parse_int(fields[19]);
  return start ? static_cast<std::uint64_t>(*start) : 0;
}

std::string process_identity(int pid) {
  return fmt::format("{} {}", pid, process_start_time(pid));
}

Status enter_user_namespace(std::uint32_t uid, std::uint32_t gid) {
  const uid_t outer_uid = geteuid();
  const gid_t outer_gid = getegid();
  if (unshare(CLONE_NEWUSER) != 0) return errno_error(errno, "making a user namespace");
  // The kernel lets an ordinary user map groups only after giving up setgroups(2).
  TRY(write_file("/proc/self/setgroups", "deny"));
  TRY(write_file("/proc/self/uid_map", fmt::format("{} {} 1", uid, outer_uid)));
  return write_file("/proc/self/gid_map", fmt::format("{} {} 1", gid, outer_gid));
}

Result<int> supervise_container(const ContainerSpec& spec) {
  std::optional<ContainerLog> log;
  if (!spec.log_file.empty()) log.emplace(TRY(ContainerLog::open(spec.log_file)));
  if (geteuid() != 0) TRY(enter_user_namespace(spec.uid.value_or(0), spec.gid.value_or(0)));
  if (unshare(CLONE_NEWPID) != 0) return errno_error(errno, "making a pid namespace");
  return Supervisor(spec, std::move(log)).run();
}

}  // namespace lateen::sandbox
