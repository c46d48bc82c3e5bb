// Locks that clang's -Wthread-safety can see, bounded channels, and loops that run on several
// threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

#if defined(__clang__)
#define LATEEN_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define LATEEN_THREAD_ANNOTATION(x)
#endif
#define LATEEN_CAPABILITY(x) LATEEN_THREAD_ANNOTATION(capability(x))
#define LATEEN_SCOPED_CAPABILITY LATEEN_THREAD_ANNOTATION(scoped_lockable)
#define LATEEN_GUARDED_BY(x) LATEEN_THREAD_ANNOTATION(guarded_by(x))
#define LATEEN_REQUIRES(...) LATEEN_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define LATEEN_EXCLUDES(...) LATEEN_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define LATEEN_ACQUIRE(...) LATEEN_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define LATEEN_RELEASE(...) LATEEN_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define LATEEN_NO_THREAD_SAFETY_ANALYSIS LATEEN_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace lateen {

// Thread-safe.
class LATEEN_CAPABILITY("mutex") Mutex {
 public:
  void lock() LATEEN_ACQUIRE() { mu_.lock(); }

  void unlock() LATEEN_RELEASE() { mu_.unlock(); }

 private:
  std::mutex mu_;
};

// Holds a Mutex for a scope. Hold it for memory, never for I/O.
class LATEEN_SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mu) LATEEN_ACQUIRE(mu) : mu_(mu) { mu_.lock(); }

  ~Lock() LATEEN_RELEASE() { mu_.unlock(); }

  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mu_;
};

// A condition on what a Mutex guards. Every wait hears a stop and has a deadline. Thread-safe.
class Condition {
 public:
  void notify_one() { cv_.notify_one(); }

  void notify_all() { cv_.notify_all(); }

  // Waits until `ready()` (called with `mu` held), the deadline or the stop; says whether it became
  // ready.
  template <typename Ready>
  bool wait(Mutex& mu, Deadline deadline, std::stop_token stop, Ready ready) LATEEN_REQUIRES(mu) {
    if (deadline.is_never()) return cv_.wait(mu, stop, ready);
    return cv_.wait_until(mu, stop, deadline.at(), ready);
  }

 private:
  std::condition_variable_any cv_;
};

// A bounded queue between threads. `close()` says that nothing more will come. Thread-safe.
template <typename T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  // Waits for room. False if the channel was closed or the stop was requested: the value is lost
  // then.
  bool push(T value, std::stop_token stop) {
    Lock lock(mu_);
    const bool room = changed_.wait(
        mu_, Deadline::never(), stop,
        [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return closed_ || items_.size() < capacity_; });
    if (!room || closed_) return false;
    items_.push_back(std::move(value));
    changed_.notify_all();
    return true;
  }

  // Waits for a value. Nothing if the channel is closed and drained, or the stop was requested.
  std::optional<T> pop(std::stop_token stop) {
    Lock lock(mu_);
    const bool ready = changed_.wait(
        mu_, Deadline::never(), stop,
        [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return closed_ || !items_.empty(); });
    if (!ready || items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    changed_.notify_all();
    return value;
  }

  void close() {
    Lock lock(mu_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t capacity_;
  Mutex mu_;
  Condition changed_;
  std::deque<T> items_ LATEEN_GUARDED_BY(mu_);
  bool closed_ LATEEN_GUARDED_BY(mu_) = false;
};

// Calls `work(i, stop)` for every i in [0, count), on up to `threads` threads, and waits for all.
// The first error stops the handing out of further indexes, asks the others to stop, and is
// returned.
Status parallel_for(std::size_t count,
                    std::size_t threads,
                    const std::function<Status(std::size_t, std::stop_token)>& work,
                    std::stop_token stop = {});

// How many threads the machine runs at once, at least 1.
std::size_t hardware_threads();

}  // namespace lateen
