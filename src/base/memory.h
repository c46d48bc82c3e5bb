// How this process asks the system for memory.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/file.h"

namespace lateen {

// The least that the control groups of this process let it have, as a container's limit is; nothing
// if none does. `root` is where /proc and /sys are.
std::optional<ByteCount> memory_limit(const FilePath& root = "/");

// For processes that run on: what was a page of a list or a piece of an archive goes back to the
// system when it is freed. By default glibc learns from the first such pieces to keep all of their
// size, in an arena for each thread: after a backup of 50,000 objects 128 MiB where 46 are in use.
// Call it early.
void return_freed_memory();

// For a process that has nothing to do for a while: what is free goes back to the system, and code
// and constants that were read in but are not in use (of start-up, of what was done last) are no
// longer mapped.
// What is needed again is found in the page cache: a few hundred page faults, less than a
// millisecond.
void give_back_idle_memory();

}  // namespace lateen
