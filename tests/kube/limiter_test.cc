#include "kube/limiter.h"

#include <vector>

#include <gtest/gtest.h>

namespace lateen::kube {
namespace {

using namespace std::literals;
using Outcome = AdaptiveLimiter::Outcome;

void answer_round(AdaptiveLimiter& limiter, Outcome outcome) {
  std::vector<AdaptiveLimiter::Permit> permits;
  for (std::size_t i = limiter.limit(); i > 0; --i) {
    permits.push_back(std::move(*limiter.acquire(Deadline::after(60s), {})));
  }
  for (auto& permit : permits)
    permit.finish(outcome);
}

TEST(AdaptiveLimiter, GrowsWhileTheServerAnswers) {
  AdaptiveLimiter limiter({.initial = 4, .min = 1, .max = 10});
  for (int i = 0; i < 40; ++i)
    answer_round(limiter, Outcome::Answered);
  EXPECT_GT(limiter.limit(), 4U);
  EXPECT_LE(limiter.limit(), 10U);
}

TEST(AdaptiveLimiter, HalvesOnceForARoundOfRefusals) {
  AdaptiveLimiter limiter({.initial = 16, .min = 2, .max = 64});
  answer_round(limiter, Outcome::Throttled);
  EXPECT_EQ(limiter.limit(), 8U);
  for (int i = 0; i < 8; ++i)
    answer_round(limiter, Outcome::Throttled);
  EXPECT_EQ(limiter.limit(), 2U);
}

TEST(AdaptiveLimiter, IsNotStarvedByASlowDisk) {
  AdaptiveLimiter limiter({.initial = 10, .min = 2, .max = 64});
  answer_round(limiter, Outcome::Answered);
  for (int i = 0; i < 5; ++i) {
    auto slow = limiter.acquire(Deadline::after(60s), {});
    ASSERT_TRUE(slow);
    ASSERT_TRUE(sleep_unless_stopped(25ms, {}));  // the disk's time, not ours
    slow->finish(Outcome::Answered);
  }
  EXPECT_GE(limiter.limit(), 8U);
}

TEST(AdaptiveLimiter, LearnsNothingFromLostConnections) {
  AdaptiveLimiter limiter({.initial = 16, .min = 2, .max = 64});
  answer_round(limiter, Outcome::Lost);
  EXPECT_EQ(limiter.limit(), 16U);
}

TEST(AdaptiveLimiter, HoldsBackWhatIsTooMuch) {
  AdaptiveLimiter limiter({.initial = 1, .min = 1, .max = 1});
  auto first = limiter.acquire(Deadline::never(), {});
  ASSERT_TRUE(first);
  const auto second = limiter.acquire(Deadline::after(1ms), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::DeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(limiter.acquire(Deadline::never(), stop.get_token()).error().code(), Code::Canceled);
  first->finish(Outcome::Answered);
  EXPECT_TRUE(limiter.acquire(Deadline::after(60s), {}));
}

}  // namespace
}  // namespace lateen::kube
