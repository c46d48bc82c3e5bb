#include "assurance/retention_forecast.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

PlannedSchedule schedule(std::string_view cron) {
  return {.name = "s", .cron = CronSchedule::parse(cron, Zone()).value()};
}

PlannedSchedule with_ttl(std::string_view cron, Duration ttl) {
  PlannedSchedule planned = schedule(cron);
  planned.ttl = ttl;
  return planned;
}

const TimePoint kStart = parse_rfc3339("2024-01-01T00:00:00Z").value();

TEST(RetentionForecast, OneScheduleHoldsTheSchemeOfTwentyThree) {
  PlannedSchedule nightly = schedule("0 2 * * *");
  nightly.policy = RetentionPolicy::parse("23").value();
  const auto days = forecast_retention({nightly}, kStart, 3 * 366).value();
  ASSERT_EQ(days.size(), 3U * 366U);
  EXPECT_EQ(days.front().held, 1U);
  EXPECT_EQ(days[6].held, 7U);
  for (std::size_t i = 500; i < days.size(); ++i) {
    ASSERT_EQ(days[i].held, 23U) << format_rfc3339(days[i].day);
    ASSERT_EQ(days[i].by_class.at("daily"), 7U);
    ASSERT_EQ(days[i].by_class.at("weekly"), 4U);
    ASSERT_EQ(days[i].by_class.at("monthly"), 12U);
  }
}

// The same scheme as three Schedules with TTLs, as it is written for Velero: a year of 8,760 hours
// and months of unlike lengths make the monthlies 12 or 13.
TEST(RetentionForecast, ThreeSchedulesWithTtlHoldAboutAsMuch) {
  const auto days =
      forecast_retention({with_ttl("0 2 * * *", hours(168)), with_ttl("0 3 * * 0", hours(672)),
                          with_ttl("0 4 1 * *", hours(8760))},
                         kStart, 3 * 366)
          .value();
  for (std::size_t i = 500; i < days.size(); ++i) {
    ASSERT_GE(days[i].held, 23U) << format_rfc3339(days[i].day);
    ASSERT_LE(days[i].held, 24U) << format_rfc3339(days[i].day);
  }
}

TEST(RetentionForecast, BeginsWithWhatThereIs) {
  PlannedSchedule nightly = schedule("0 2 * * *");
  nightly.policy = RetentionPolicy{.daily = 3};
  nightly.present = {{.name = "old", .time = kStart - hours(100)},
                     {.name = "older", .time = kStart - hours(200)}};
  const auto days = forecast_retention({nightly}, kStart, 3).value();
  EXPECT_EQ(days[0].held, 3U);
  EXPECT_EQ(days[0].oldest, kStart - hours(200));
  EXPECT_EQ(days[2].oldest, kStart + hours(2));
}

TEST(RetentionForecast, CountsTheDaysInWhichNothingIsMade) {
  const auto days = forecast_retention({with_ttl("0 2 * * 1", hours(24))}, kStart, 3).value();
  EXPECT_EQ(days[0].made, 1U);
  EXPECT_EQ(days[1].made, 0U);
  EXPECT_EQ(days[1].held, 0U);
  EXPECT_FALSE(days[1].oldest);
}

TEST(RetentionForecast, RefusesMoreThanAnyoneWouldKeep) {
  const auto days = forecast_retention({with_ttl("@every 1s", hours(1))}, kStart, 1000);
  ASSERT_FALSE(days);
  EXPECT_EQ(days.error().code(), Code::InvalidArgument);
}

}  // namespace
}  // namespace lateen::assurance
