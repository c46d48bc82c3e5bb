// The side of a container that runs in its own process. The sandbox has threads, so it never forks:
// it starts its own program again as `lateen __sandbox-container`, with a JSON ContainerSpec on
// descriptor 3. cli's run() hands that over to container_main before it does anything else (no
// thread may be running by then).
#pragma once

#include <string_view>

namespace lateen::sandbox {

// The hidden argv[1].
inline constexpr std::string_view kContainerArgument = "__sandbox-container";

// What the starter leaves open for us, beside 0, 1 and 2.
inline constexpr int kSpecFd = 3;  // the ContainerSpec, a file at offset 0
inline constexpr int kControlFd =
    4;                               // one byte a command (container_process.h); its end means: die
inline constexpr int kStatusFd = 5;  // one JSON line an event, written by us

// Sets the container up, watches over it, and returns the process's exit code.
int container_main(int spec_fd);

}  // namespace lateen::sandbox
