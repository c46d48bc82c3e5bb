// A profile of this process that needs no tools: its threads, what they have worked, and its
// memory.
#pragma once

#include <stop_token>
#include <string>

#include "base/clock.h"

namespace lateen::server {

// A table of the threads: name, state, and CPU time so far; those that worked most first.
std::string threads_text();

// The same for the CPU time of so long from now on: waits for it, or for the stop.
std::string profile_text(Duration time, std::stop_token stop);

// What the kernel says of the memory, and what the allocator says.
std::string memory_text();

}  // namespace lateen::server
