// A child that the kernel kills when the thread that made it ends: what posix_spawn cannot ask for.
// Behind Child::spawn (process.h).
#pragma once

#include <array>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/file.h"

namespace lateen {

inline constexpr int kNullStream = -1;       // /dev/null
inline constexpr int kInheritedStream = -2;  // ours

struct BoundSpawn {
  const std::vector<std::string>& argv;
  const std::vector<std::string>& env;
  const FilePath& cwd;
  std::array<int, 3> stdio;  // descriptors, or the constants above
};

// Gives the errno of what failed, up to and including the exec; 0 when the program runs. The child
// leads a process group of its own, with default signals and nothing open but its three streams.
int spawn_bound(pid_t& pid, const BoundSpawn& spec);

}  // namespace lateen
