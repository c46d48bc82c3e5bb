#include "base/signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"

namespace lateen {
namespace {

TEST(StopOnSignals, RequestsTheStopAtSigterm) {
  const StopOnSignals signals;
  EXPECT_EQ(signals.received(), 0);
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_FALSE(sleep_unless_stopped(std::chrono::seconds(60), signals.token()));
  EXPECT_EQ(signals.received(), SIGTERM);
}

// In a process of its own, since it ends it.
TEST(StopOnSignalsDeathTest, EndsTheProcessAtTheSecondSignal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const StopOnSignals signals;
        ::kill(::getpid(), SIGINT);
        (void)sleep_unless_stopped(std::chrono::seconds(60), signals.token());
        ::kill(::getpid(), SIGINT);
        (void)sleep_unless_stopped(std::chrono::seconds(60), {});
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace lateen
