#include "base/wake.h"

#include <thread>

#include <gtest/gtest.h>

namespace lateen {
namespace {

TEST(StopFd, WakesAPollWhenTheStopIsRequested) {
  std::stop_source source;
  const auto fd = StopFd::create(source.get_token()).value();
  pollfd fds[] = {{.fd = fd->get(), .events = POLLIN, .revents = 0}};
  EXPECT_EQ(poll_until(fds, Deadline::after(Duration::zero())).value(), 0);
  const std::jthread stopper([&source] { source.request_stop(); });
  EXPECT_EQ(poll_until(fds, Deadline::after(std::chrono::seconds(60))).value(), 1);
}

TEST(StopFd, IsReadableAtOnceIfTheStopCameBefore) {
  std::stop_source source;
  source.request_stop();
  const auto fd = StopFd::create(source.get_token()).value();
  pollfd fds[] = {{.fd = fd->get(), .events = POLLIN, .revents = 0}};
  EXPECT_EQ(poll_until(fds, Deadline::never()).value(), 1);
}

}  // namespace
}  // namespace lateen
