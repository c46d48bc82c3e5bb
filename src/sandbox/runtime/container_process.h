// The sandbox's end of a container's process: starts `lateen __sandbox-container`, sends it
// commands, hears its events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "sandbox/runtime/container_init.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

// What becomes the process's 0, 1 and 2. They stay the caller's; -1 is /dev/null.
struct StandardFds {
  int in = -1;
  int out = -1;
  int err = -1;
};

enum class ContainerEventKind { Pid, Started, Exited, Failed, Frozen, Thawed, Ended };

struct ContainerEvent {
  ContainerEventKind kind = ContainerEventKind::Ended;
  std::int32_t pid = 0;          // Pid: the container's pid 1 as the machine numbers it
  std::uint64_t start_time = 0;  // Pid
  int exit_code = 0;             // Exited
  int signal = 0;                // Exited
  bool complete = false;         // Frozen: everything stood still in time
  std::string message = {};      // Failed
};

// Its destruction ends the container at once. Not thread-safe, but for command().
class ContainerProcess {
 public:
  // `program` is our own binary, usually /proc/self/exe.
  static Result<ContainerProcess> start(const std::string& program,
                                        const ContainerSpec& spec,
                                        StandardFds fds = {});

  ContainerProcess(ContainerProcess&&) noexcept = default;
  ContainerProcess& operator=(ContainerProcess&&) noexcept = delete;
  ContainerProcess(const ContainerProcess&) = delete;
  ContainerProcess& operator=(const ContainerProcess&) = delete;
  ~ContainerProcess();

  // Io when it is gone.
  Status command(ContainerCommand command) const;

  // Readable when there are events.
  int event_fd() const { return status_.get(); }

  // What has come so far, without waiting for more than there is. Ended is always the last event,
  // once.
  std::vector<ContainerEvent> read_events();

 private:
  ContainerProcess() = default;

  UniqueFd control_;
  UniqueFd status_;
  Bytes unread_;  // the beginning of a line
  bool ended_ = false;
  int pid_ = -1;  // of the supervisor; -1 once moved from
};

// Ends what a sandbox that was killed has left running: the processes named in `pid_file`, if they
// still are those. Returns when they are gone, so that nothing of them touches a volume any more.
Status kill_leftover(const std::string& pid_file, std::stop_token stop);

}  // namespace lateen::sandbox
