// How this process asks the system for memory.
#pragma once

namespace lateen {

// For processes that run on: what was a page of a list or a piece of an archive goes back to the
// system when it is freed. By default glibc learns from the first such pieces to keep all of their
// size, in an arena for each thread: after a backup of 50,000 objects 128 MiB where 46 are in use.
// Call it early.
void return_freed_memory();

}  // namespace lateen
