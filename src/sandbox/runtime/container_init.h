// The first process inside a container: sets the root up, starts the container's program, reaps
// what is orphaned to it, and does as it is told. Its death takes everything in the container with
// it, by the kernel's rule for pid 1.
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

// The commands that reach it, one byte each, and its container's supervisor before it.
enum class ContainerCommand : char {
  Begin = 'B',      // the supervisor's first word: it has told who we are
  Terminate = 'T',  // SIGTERM to the program
  Kill = 'K',       // SIGKILL to everything
  Freeze = 'F',     // stop everything, and say when it stands
  Thaw = 'U',
};

// Runs as pid 1 until the program has ended. `commands` is read, events go to kStatusFd.
int run_container_init(const ContainerSpec& spec, UniqueFd commands);

// In a process that is about to become a program: identity, working directory, limits, then execve.
// Returns only when that failed, with the words that a container runtime uses.
Error become_program(const ContainerSpec& spec);

// {"event": "...", ...} on kStatusFd, in one write.
void report(const JsonObject& event);

}  // namespace lateen::sandbox
