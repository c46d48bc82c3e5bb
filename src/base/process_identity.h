// Who a process is, told so that others of its machine can find out later whether it still lives:
// a pid alone may belong to somebody else by then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"

namespace lateen {

// When the process was started, in the kernel's ticks. NotFound when it has ended, also when its
// parent has not heard of that yet: it has no files and no sockets any more.
Result<std::uint64_t> process_start(pid_t pid);

// "db-0_5f1c0a9be2d4_417_88123": the host's name, what the machine's boot and the process namespace
// are called, pid and start.
Result<std::string> process_identity();

// Whether the process of that identity was one of this very machine (and namespace of processes),
// and is gone. False where that cannot be known.
bool is_known_dead(std::string_view identity);

}  // namespace lateen
