#include "server/lease_watchdog.h"

#include <cerrno>
#include <csignal>
#include <ctime>

#include "base/file.h"

namespace lateen::server {

class LeaseWatchdog::Private {
 public:
  timer_t timer = nullptr;
};

LeaseWatchdog::LeaseWatchdog(const Private& made) : timer_(made.timer) {}

LeaseWatchdog::~LeaseWatchdog() {
  (void)timer_delete(timer_);  // it is ours and there
}

Result<std::unique_ptr<LeaseWatchdog>> LeaseWatchdog::create() {
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  Private made;
  if (timer_create(CLOCK_BOOTTIME, &event, &made.timer) != 0) {
    return errno_error(errno, "making the timer that ends a leader without a lease");
  }
  return std::make_unique<LeaseWatchdog>(made);
}

Status LeaseWatchdog::set(Deadline end) {
  itimerspec when = {};  // zero: off
  if (!end.is_never()) {
    const auto left = std::max<Duration>(end.remaining(), std::chrono::nanoseconds(1));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    when.it_value.tv_sec = seconds.count();
    when.it_value.tv_nsec = (left - seconds).count();
  }
  if (timer_settime(timer_, 0, &when, nullptr) != 0) {
    return errno_error(errno, "setting the timer that ends a leader without a lease");
  }
  return {};
}

}  // namespace lateen::server
