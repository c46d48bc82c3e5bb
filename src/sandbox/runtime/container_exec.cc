#include "sandbox/runtime/container_exec.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "sandbox/runtime/container_entry.h"
#include "sandbox/runtime/container_init.h"
#include "sandbox/runtime/container_supervisor.h"

namespace lateen::sandbox {
namespace {

Error not_running() {
  return Error(Code::NotFound, "the container is no longer running");
}

// All are opened before any is joined: afterwards /proc is the container's, and says other numbers.
Status join_namespaces(const ContainerSpec& spec) {
  static constexpr std::array<const char*, 5> kAll{"user", "ipc", "uts", "pid", "mnt"};
  std::vector<UniqueFd> namespaces;
  for (const char* name : kAll) {
    if (std::string_view(name) == "user" && geteuid() == 0) continue;
    auto fd = open_for_reading(fmt::format("/proc/{}/ns/{}", spec.target_pid, name));
    if (!fd) return not_running();
    namespaces.push_back(std::move(*fd));
  }
  if (process_start_time(spec.target_pid) != spec.target_start) return not_running();
  for (const UniqueFd& fd : namespaces) {
    if (setns(fd.get(), 0) != 0) return errno_error(errno, "joining the container");
  }
  return Status();
}

[[noreturn]] void run_program(const ContainerSpec& spec, int failures) {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)setsid();
  if (spec.tty) (void)ioctl(0, TIOCSCTTY, 0);
  const Error error = become_program(spec);
  (void)write_all(failures, error.message());
  _exit(126);
}

int wait_for(pid_t program) {
  const UniqueFd ended(static_cast<int>(syscall(SYS_pidfd_open, program, 0)));
  std::array<pollfd, 2> fds{{{ended.get(), POLLIN, 0}, {kControlFd, POLLIN, 0}}};
  while (poll(fds.data(), fds.size(), -1) < 0 || (fds[0].revents | fds[1].revents) == 0) {
  }
  if (fds[0].revents == 0) (void)kill(program, SIGKILL);
  int status = 0;
  (void)waitpid(program, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Result<int> exec_in_container(const ContainerSpec& spec) {
  TRY(join_namespaces(spec));
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  UniqueFd reader(pipe_fds[0]);
  UniqueFd writer(pipe_fds[1]);
  const pid_t program = fork();
  if (program < 0) return errno_error(errno, "forking");
  if (program == 0) run_program(spec, writer.get());
  writer.reset();
  // Our own ends of the program's streams must not keep them open after it.
  for (const int fd : {0, 1, 2})
    (void)close(fd);
  const Bytes failure = TRY(read_all(reader.get(), 64_KiB));
  const int code = wait_for(program);
  if (!failure.empty()) return Error(Code::InvalidArgument, "{}", failure);
  return code;
}

}  // namespace lateen::sandbox
