#include "base/clock.h"

#include <condition_variable>
#include <mutex>

namespace lateen {

TimePoint SystemClock::now() const {
  return std::chrono::system_clock::now();
}

std::chrono::steady_clock::time_point monotonic_now() {
  return std::chrono::steady_clock::now();
}

Duration Deadline::remaining() const {
  if (is_never()) return std::chrono::hours(24 * 365 * 100);
  const auto now = monotonic_now();
  return now >= at_ ? Duration::zero() : std::chrono::duration_cast<Duration>(at_ - now);
}

bool sleep_unless_stopped(Duration wait, std::stop_token stop) {
  std::mutex mu;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mu);
  never_notified.wait_for(lock, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace lateen
