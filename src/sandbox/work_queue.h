// The queue of a level-triggered loop: keys of things to look at. A key that is added often is
// handed out once; one that is being worked on is handed out again only after done(), so that no
// two threads work on the same thing.
//
//   while (auto key = queue.next(stop)) { reconcile(*key); queue.done(*key); }
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/thread.h"

namespace lateen::sandbox {

// Thread-safe. Holds at most one entry a key, so it is bounded by the number of things there are.
class WorkQueue {
 public:
  void add(const std::string& key) { add_after(key, Duration::zero()); }

  // The earliest of several times counts.
  void add_after(const std::string& key, Duration wait);

  // After a failure: 10 ms, doubled at each failure in a row up to 30 s.
  void add_after_failure(const std::string& key);
  void forget_failures(const std::string& key);

  // Waits for a key; nothing when told to stop.
  std::optional<std::string> next(std::stop_token stop);

  // Every key that next() gave must come back here.
  void done(const std::string& key);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void schedule(const std::string& key, Time at) LATEEN_REQUIRES(mu_);

  Mutex mu_;
  Condition changed_;
  std::multimap<Time, std::string> by_time_ LATEEN_GUARDED_BY(mu_);
  std::unordered_map<std::string, Time> due_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> working_ LATEEN_GUARDED_BY(mu_);
  std::unordered_map<std::string, int> failures_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t changes_ LATEEN_GUARDED_BY(mu_) = 0;
};

}  // namespace lateen::sandbox
