#include "sandbox/runtime/container_process.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "sandbox/runtime/container_entry.h"
#include "sandbox/runtime/container_supervisor.h"

namespace lateen::sandbox {
namespace {

constexpr Duration kLeftoverWait = std::chrono::seconds(10);

// Above the numbers that the child uses, so that putting one in its place overwrites none of the
// others.
Result<UniqueFd> lift(int fd) {
  UniqueFd out(fcntl(fd, F_DUPFD_CLOEXEC, 16));
  if (!out) return errno_error(errno, "duplicating a descriptor");
  return out;
}

Result<UniqueFd> spec_file(const ContainerSpec& spec) {
  const UniqueFd file(memfd_create("container-spec", MFD_CLOEXEC));
  if (!file) return errno_error(errno, "making a memory file");
  TRY(write_all(file.get(), write_json(to_json(spec))));
  if (lseek(file.get(), 0, SEEK_SET) != 0) return errno_error(errno, "rewinding a memory file");
  return lift(file.get());
}

Result<UniqueFd> standard(int fd) {
  if (fd >= 0) return lift(fd);
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return errno_error(errno, "/dev/null");
  return lift(null.get());
}

struct Plan {
  UniqueFd source;
  int target;
};

Result<pid_t> spawn(const std::string& program, const std::vector<Plan>& plans) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const Plan& plan : plans)
    posix_spawn_file_actions_adddup2(&actions, plan.source.get(), plan.target);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A session of its own: Ctrl-C at the sandbox's terminal is the sandbox's business first.
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::array<std::string, 2> words{"lateen", std::string(kContainerArgument)};
  std::array<char*, 3> argv{words[0].data(), words[1].data(), nullptr};
  std::array<char*, 1> env{nullptr};
  pid_t pid = -1;
  const int failure =
      posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), env.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) return errno_error(failure, fmt::format("starting {}", program));
  return pid;
}

ContainerEvent parse_event(std::string_view line) {
  auto json = parse_json(line);
  if (!json) return {.kind = ContainerEventKind::Failed, .message = std::string(line)};
  const std::string_view word = string_at(*json, "event");
  ContainerEvent event;
  if (word == "pid") {
    event.kind = ContainerEventKind::Pid;
    event.pid = static_cast<std::int32_t>(int_at(*json, "pid").value_or(0));
    event.start_time = static_cast<std::uint64_t>(int_at(*json, "start").value_or(0));
  } else if (word == "started") {
    event.kind = ContainerEventKind::Started;
  } else if (word == "exited") {
    event.kind = ContainerEventKind::Exited;
    event.exit_code = static_cast<int>(int_at(*json, "exitCode").value_or(0));
    event.signal = static_cast<int>(int_at(*json, "signal").value_or(0));
  } else if (word == "frozen") {
    event.kind = ContainerEventKind::Frozen;
    event.complete = bool_at(*json, "complete").value_or(false);
  } else if (word == "thawed") {
    event.kind = ContainerEventKind::Thawed;
  } else if (word == "failed") {
    event.kind = ContainerEventKind::Failed;
    event.message = string_at(*json, "message");
  }
  return event;
}

// Gone, or dead and only waiting to be reaped: its files are closed either way.
bool is_gone(int pid, std::uint64_t start) {
  if (process_start_time(pid) != start) return true;
  auto stat = read_file(fmt::format("/proc/{}/stat", pid), 64_KiB);
  return !stat || cut_last(*stat, ") ").after.starts_with('Z');
}

}  // namespace

Result<ContainerProcess> ContainerProcess::start(const std::string& program,
                                                 const ContainerSpec& spec,
                                                 StandardFds fds) {
  std::array<int, 2> control{};
  std::array<int, 2> status{};
  if (pipe2(control.data(), O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  const UniqueFd control_reader(control[0]);
  UniqueFd control_writer(control[1]);
  if (pipe2(status.data(), O_CLOEXEC) != 0) return errno_error(errno, "making a pipe");
  UniqueFd status_reader(status[0]);
  const UniqueFd status_writer(status[1]);

  std::vector<Plan> plans;
  plans.push_back({.source = TRY(standard(fds.in)), .target = 0});
  plans.push_back({.source = TRY(standard(fds.out)), .target = 1});
  plans.push_back({.source = TRY(standard(fds.err)), .target = 2});
  plans.push_back({.source = TRY(spec_file(spec)), .target = kSpecFd});
  plans.push_back({.source = TRY(lift(control_reader.get())), .target = kControlFd});
  plans.push_back({.source = TRY(lift(status_writer.get())), .target = kStatusFd});

  ContainerProcess process;
  process.pid_ = TRY(spawn(program, plans));
  process.control_ = std::move(control_writer);
  process.status_ = std::move(status_reader);
  (void)fcntl(process.status_.get(), F_SETFL, O_NONBLOCK);
  return process;
}

ContainerProcess::~ContainerProcess() {
  if (!control_) return;
  control_.reset();
  // The end of its commands is an order to die, so this wait is short.
  int status = 0;
  while (pid_ > 0 && waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

Status ContainerProcess::command(ContainerCommand command) const {
  const char byte = static_cast<char>(command);
  return write_all(control_.get(), BytesView(&byte, 1));
}

std::vector<ContainerEvent> ContainerProcess::read_events() {
  std::vector<ContainerEvent> events;
  std::array<char, 4096> bytes{};
  ssize_t count = read(status_.get(), bytes.data(), bytes.size());
  while (count > 0) {
    unread_.append(bytes.data(), static_cast<std::size_t>(count));
    count = read(status_.get(), bytes.data(), bytes.size());
  }
  const bool at_end = count == 0;
  for (std::size_t newline = unread_.find('\n'); newline != Bytes::npos;
       newline = unread_.find('\n')) {
    const ContainerEvent event = parse_event(std::string_view(unread_).substr(0, newline));
    if (event.kind != ContainerEventKind::Ended) events.push_back(event);
    unread_.erase(0, newline + 1);
  }
  // Only the end of the pipe counts: a supervisor that was killed could not say goodbye.
  if (at_end && !ended_) {
    ended_ = true;
    events.push_back({.kind = ContainerEventKind::Ended});
  }
  return events;
}

Status kill_leftover(const std::string& pid_file, std::stop_token stop) {
  auto text = read_file(pid_file, 4_KiB);
  if (!text) return text.error().is(Code::NotFound) ? Status() : Status(std::move(text).error());
  const Deadline deadline = Deadline::after(kLeftoverWait);
  for (const std::string_view line : split(*text, '\n')) {
    const Cut identity = cut(line, " ");
    auto pid = parse_int(identity.before);
    auto start = parse_int(identity.after);
    if (!pid || !start || *pid <= 1) continue;
    const int number = static_cast<int>(*pid);
    while (!is_gone(number, static_cast<std::uint64_t>(*start))) {
      (void)kill(number, SIGKILL);
      if (deadline.expired())
        return Error(Code::DeadlineExceeded, "process {} of {} does not die", number, pid_file);
      if (!sleep_unless_stopped(std::chrono::milliseconds(2), stop))
        return Error(Code::Canceled, "stopped");
    }
  }
  return remove_file(pid_file);
}

}  // namespace lateen::sandbox
