// The process outside of a container that answers for it: keeps its log, hands commands on to its
// init, and dies, taking the container along, when the sandbox does. It stays in the machine's own
// mount namespace.
#pragma once

#include "base/result.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

// Runs the container to its end; the exit code is of interest to nobody, the events on kStatusFd
// are.
Result<int> supervise_container(const ContainerSpec& spec);

// Where we are not root: a user namespace in which we are `uid`:`gid` (0 when absent) and may
// mount.
Status enter_user_namespace(std::uint32_t uid, std::uint32_t gid);

// "12345 987654": a pid and its start time in ticks, by which a reused pid is told from the first.
std::string process_identity(int pid);
// 0 when there is no such process.
std::uint64_t process_start_time(int pid);

}  // namespace lateen::sandbox
