#include "sandbox/work_queue.h"

#include <algorithm>

namespace lateen::sandbox {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(10);
constexpr Duration kLongestRetry = std::chrono::seconds(30);
constexpr int kMostDoublings = 12;

}  // namespace

void WorkQueue::schedule(const std::string& key, Time at) {
  const auto known = due_.find(key);
  if (known != due_.end()) {
    if (known->second <= at) return;
    const auto [first, last] = by_time_.equal_range(known->second);
    const auto entry =
        std::find_if(first, last, [&](const auto& item) { return item.second == key; });
    by_time_.erase(entry);
  }
  due_[key] = at;
  by_time_.emplace(at, key);
}

void WorkQueue::add_after(const std::string& key, Duration wait) {
  Lock lock(mu_);
  schedule(key, monotonic_now() + std::max(wait, Duration::zero()));
  ++changes_;
  changed_.notify_all();
}

void WorkQueue::add_after_failure(const std::string& key) {
  Duration wait = kFirstRetry;
  {
    Lock lock(mu_);
    const int doublings = std::min(failures_[key]++, kMostDoublings);
    wait = std::min(kFirstRetry * (1 << doublings), kLongestRetry);
  }
  add_after(key, wait);
}

void WorkQueue::forget_failures(const std::string& key) {
  Lock lock(mu_);
  failures_.erase(key);
}

std::optional<std::string> WorkQueue::next(std::stop_token stop) {
  Lock lock(mu_);
  while (!stop.stop_requested()) {
    const Time now = monotonic_now();
    Time wake = Time::max();
    for (auto entry = by_time_.begin(); entry != by_time_.end(); ++entry) {
      if (entry->first > now) {
        wake = entry->first;
        break;
      }
      // Its worker's done() will wake us.
      if (working_.contains(entry->second)) continue;
      std::string key = std::move(entry->second);
      by_time_.erase(entry);
      due_.erase(key);
      working_.insert(key);
      return key;
    }
    const Deadline deadline = wake == Time::max() ? Deadline::never() : Deadline::after(wake - now);
    const std::uint64_t seen = changes_;
    (void)changed_.wait(mu_, deadline, stop,
                        [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return changes_ != seen; });
  }
  return std::nullopt;
}

void WorkQueue::done(const std::string& key) {
  Lock lock(mu_);
  working_.erase(key);
  if (!due_.contains(key)) return;
  ++changes_;
  changed_.notify_all();
}

}  // namespace lateen::sandbox
