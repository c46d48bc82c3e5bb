#include "base/wake.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace lateen {

StopFd::StopFd(Key, UniqueFd fd, std::stop_token stop)
    : fd_(std::move(fd)), callback_(std::move(stop), [this] {
        const std::uint64_t one = 1;
        // Can't fail: the counter is far from full.
        (void)!::write(fd_.get(), &one, sizeof one);
      }) {}

Result<std::unique_ptr<StopFd>> StopFd::create(std::stop_token stop) {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return errno_error(errno, "making an eventfd");
  return std::make_unique<StopFd>(Key(), std::move(fd), std::move(stop));
}

Result<int> poll_until(std::span<pollfd> fds, Deadline deadline) {
  // Rounded up, so that the deadline has passed when poll says that it has.
  constexpr auto kLongest = std::chrono::milliseconds(60'000);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
    const auto wait = std::min(left, kLongest);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
    if (ready > 0) return ready;
    if (ready < 0 && errno != EINTR) return errno_error(errno, "polling");
    if (deadline.expired()) return 0;
  }
}

}  // namespace lateen
