// The one home of real clocks and of sleeping. Code takes a Clock& for the time of day, a Deadline
// for how long it may wait, and a stop_token to hear that it should end.
#pragma once

#include <chrono>
#include <compare>
#include <stop_token>

namespace lateen {

using TimePoint = std::chrono::sys_time<std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

// The time of day. Thread-safe.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

// The machine's clock. Thread-safe.
class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
};

// Seconds that only grow, for measuring and for deadlines.
std::chrono::steady_clock::time_point monotonic_now();

// The end of a wait, on the monotonic clock. Immutable.
class Deadline {
 public:
  static Deadline after(Duration wait) { return Deadline(monotonic_now() + wait); }

  static Deadline never() { return Deadline(std::chrono::steady_clock::time_point::max()); }

  bool is_never() const { return at_ == std::chrono::steady_clock::time_point::max(); }

  bool expired() const { return !is_never() && monotonic_now() >= at_; }

  // Zero when expired; a century when there is no deadline.
  Duration remaining() const;

  std::chrono::steady_clock::time_point at() const { return at_; }

  Deadline earlier_of(Deadline other) const { return at_ < other.at_ ? *this : other; }

  auto operator<=>(const Deadline&) const = default;

 private:
  explicit Deadline(std::chrono::steady_clock::time_point at) : at_(at) {}

  std::chrono::steady_clock::time_point at_;
};

// Waits for `wait`, or until told to stop: false if stopped.
bool sleep_unless_stopped(Duration wait, std::stop_token stop);

}  // namespace lateen
