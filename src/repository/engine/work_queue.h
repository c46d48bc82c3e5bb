// Tasks that make tasks, on several threads. What is nearer to its end goes first, so that what
// lies about half done (and its memory) stays bounded: pieces before files, files before folders,
// and of folders the latest found, which is depth first.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stop_token>

#include "base/pace.h"
#include "base/result.h"
#include "base/thread.h"
#include "repository/buffer.h"
#include "repository/engine/workspace.h"

namespace lateen::repository {

// What a thread has for its tasks.
struct Worker {
  Workspace workspace;
  Buffer bytes = {};   // of a batch of files, of a range of a pack
  Buffer opened = {};  // contents of that range
};

// Thread-safe.
class WorkQueue {
 public:
  enum class Rank : std::uint8_t { Piece, File, LargeFile, Directory };
  static constexpr std::size_t kRanks = 4;

  using Task = std::function<void(Worker& worker)>;

  // At most so many large files are being read at once. `pace`, if there is one, says when a task
  // may begin.
  explicit WorkQueue(std::size_t max_large_files, CpuPace* pace = nullptr)
      : max_large_(max_large_files), pace_(pace) {}

  void push(Rank rank, Task task);

  // Works off all tasks, and those that they push. After a failure or a stop what is queued is
  // dropped, and its error returned.
  Status run(std::size_t threads, std::stop_token stop);

  // Does one piece that waits, if there is one: for a task that would otherwise wait for what it
  // holds.
  bool help(Worker& worker);

  // For tasks that take long, now and then.
  void keep_pace() const;

  // Ends everything: only the first counts.
  void fail(Error error);

  // Set when it was told to stop or something has failed: tasks that take long look.
  std::stop_token stop_token() const { return source_.get_token(); }

 private:
  bool has_task() const LATEEN_REQUIRES(mu_);
  Task take(Rank& rank) LATEEN_REQUIRES(mu_);
  void work();

  const std::size_t max_large_;
  CpuPace* const pace_;
  std::stop_source source_;
  Mutex mu_;
  Condition changed_;
  std::array<std::deque<Task>, kRanks> queued_ LATEEN_GUARDED_BY(mu_);
  std::size_t unfinished_ LATEEN_GUARDED_BY(mu_) = 0;  // queued or running
  std::size_t large_ LATEEN_GUARDED_BY(mu_) = 0;       // running
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);
};

// As many threads as an engine's work takes when nobody said: the cores do the work, and a few more
// wait for disks and networks.
std::size_t engine_threads(std::size_t asked);

}  // namespace lateen::repository
