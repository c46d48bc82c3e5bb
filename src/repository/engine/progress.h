// How far a backup, restore or check is. Workers count; whoever shows it reads now and then.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen::repository {

// Something that went wrong with one file, pack or content while the rest went on.
struct Problem {
  std::string path = {};  // as the user names it; "pack <name>" where no file is known
  Error error;
};

// Thread-safe.
class ProblemList {
 public:
  void add(std::string path, Error error);
  std::vector<Problem> take();  // sorted by path

  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  // More than anyone reads: the rest is only counted.
  static constexpr std::size_t kMaxKept = 10'000;

  mutable Mutex mu_;
  std::vector<Problem> problems_ LATEEN_GUARDED_BY(mu_);
  std::atomic<std::uint64_t> count_ = 0;
};

// Totals grow while directories are still being found: an estimate until `total_known`.
// Thread-safe.
struct Progress {
  std::atomic<bool> total_known = false;
  std::atomic<std::uint64_t> total_files = 0;
  std::atomic<ByteCount> total_bytes = 0;
  std::atomic<std::uint64_t> done_files = 0;
  std::atomic<std::uint64_t> done_dirs = 0;
  std::atomic<ByteCount> done_bytes = 0;
  ProblemList problems;
};

}  // namespace lateen::repository
