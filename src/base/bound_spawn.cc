#include "base/bound_spawn.h"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lateen {
namespace {

constexpr std::size_t kStackSize = 256 * 1024;
constexpr int kFirstOther = STDERR_FILENO + 1;

// What the child reads; it runs in our memory, beside our other threads, until its exec.
struct Orders {
  const BoundSpawn& spec;
  char* const* argv;
  char* const* env;
  pid_t parent;
  int failure;
};

// Above the three, so that none is overwritten before it is put in its place.
int lifted(int fd) {
  return fd > STDERR_FILENO ? fd : ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOther);
}

bool place_streams(const std::array<int, 3>& stdio) {
  std::array<int, 3> sources{};
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    int fd = stdio[i];
    if (fd == kNullStream) fd = ::open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    if (fd == kInheritedStream) fd = static_cast<int>(i);
    sources[i] = lifted(fd);
    if (sources[i] < 0) return false;
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (::dup2(sources[i], static_cast<int>(i)) < 0) return false;
  }
  return true;
}

bool close_others() {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, kFirstOther, ~0U, 0) == 0) return true;
#endif
  const long limit = ::sysconf(_SC_OPEN_MAX);
  for (int fd = kFirstOther; fd < limit; ++fd)
    (void)::close(fd);  // most are not open
  return true;
}

bool prepare(const Orders& orders) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  // Gone between the clone and the prctl: nobody would kill us any more.
  if (::getppid() != orders.parent) return false;
  for (int number = 1; number < NSIG; ++number)
    (void)::signal(number, SIG_DFL);  // two cannot be set
  if (::setpgid(0, 0) != 0 || !place_streams(orders.spec.stdio) || !close_others()) return false;
  if (!orders.spec.cwd.empty() && ::chdir(orders.spec.cwd.c_str()) != 0) return false;
  sigset_t none;
  sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

int run_child(void* argument) {
  auto& orders = *static_cast<Orders*>(argument);
  if (prepare(orders)) ::execvpe(orders.argv[0], orders.argv, orders.env);
  orders.failure = errno != 0 ? errno : ECHILD;
  ::_exit(127);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts)
    pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

// As posix_spawn does it: the child borrows our memory on a stack of its own, and this thread waits
// for its exec. No signal may reach it before it has the default handlers.
int spawn_bound(pid_t& pid, const BoundSpawn& spec) {
  const std::vector<char*> argv = pointers_to(spec.argv);
  const std::vector<char*> env = pointers_to(spec.env);
  Orders orders{
      .spec = spec, .argv = argv.data(), .env = env.data(), .parent = ::getpid(), .failure = 0};
  std::vector<char> stack(kStackSize);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  if (const int failure = ::pthread_sigmask(SIG_BLOCK, &all, &before); failure != 0) return failure;
  pid = ::clone(run_child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &orders);
  const int failure = pid < 0 ? errno : orders.failure;
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid > 0 && failure != 0) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  return failure;
}

}  // namespace lateen
