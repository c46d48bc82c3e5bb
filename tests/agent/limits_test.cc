#include "agent/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lateen::agent {
namespace {

using ::testing::HasSubstr;

TimePoint at(int hour, int minute) {
  return std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + std::chrono::hours(hour) +
         std::chrono::minutes(minute);
}

LimitPlan plan(std::string_view json, const kube::Labels& node = {}, WorkLimits otherwise = {}) {
  return LimitPlan::parse(parse_json(json).value(), node, otherwise).value();
}

TEST(LimitPlan, TheFirstRuleOfTheHourCounts) {
  const LimitPlan day = plan(R"({"limits": [
      {"hours": "08:00-18:00", "upload": "20Mi", "cpu": "500m"},
      {"hours": "12:00-20:00", "download": "1Mi"}]})",
                             {}, {.upload = 7});
  EXPECT_EQ(day.at(at(7, 59)), (WorkLimits{.upload = 7})) << "the flags'";
  EXPECT_EQ(day.at(at(8, 0)), (WorkLimits{.upload = 20_MiB, .processors = 0.5}));
  EXPECT_EQ(day.at(at(17, 59)), (WorkLimits{.upload = 20_MiB, .processors = 0.5}));
  EXPECT_EQ(day.at(at(18, 0)), (WorkLimits{.download = 1_MiB}));
  EXPECT_EQ(day.at(at(20, 0)), (WorkLimits{.upload = 7}));
}

TEST(LimitPlan, HoursMayLeadOverMidnight) {
  const LimitPlan night = plan(R"({"limits": [{"hours": "22:30-6", "upload": 1000}]})");
  EXPECT_EQ(night.at(at(22, 29)).upload, 0U);
  EXPECT_EQ(night.at(at(22, 30)).upload, 1000U);
  EXPECT_EQ(night.at(at(5, 59)).upload, 1000U);
  EXPECT_EQ(night.at(at(6, 0)).upload, 0U);
}

TEST(LimitPlan, HoursAreThoseOfTheZone) {
  const LimitPlan berlin =
      plan(R"({"limits": [{"hours": "08:00-09:00", "timeZone": "Europe/Berlin", "upload": 1}]})");
  EXPECT_EQ(berlin.at(at(7, 30)).upload, 1U) << "winter: an hour ahead";
  EXPECT_EQ(berlin.at(at(8, 30)).upload, 0U);
}

TEST(LimitPlan, RulesForOtherNodesAreNotForThisOne) {
  constexpr std::string_view kRules = R"({"limits": [
      {"nodeSelector": {"matchLabels": {"line": "slow"}}, "upload": "1Mi"}, {"upload": "9Mi"}]})";
  EXPECT_EQ(plan(kRules, {{"line", "slow"}}).at(at(0, 0)).upload, 1_MiB);
  EXPECT_EQ(plan(kRules, {{"line", "fast"}}).at(at(0, 0)).upload, 9_MiB);
}

TEST(LimitPlan, ProcessesThatShareALimitNeverGetNone) {
  const LimitPlan share = plan("{}", {}, {.upload = 3, .processors = 1.5}).shared_by(4);
  EXPECT_EQ(share.at(at(0, 0)), (WorkLimits{.upload = 1, .processors = 0.375}));
}

TEST(LimitPlan, SaysWhatIsWrong) {
  const auto error = [](std::string_view json) {
    const auto parsed = LimitPlan::parse(parse_json(json).value(), {}, {});
    return parsed ? std::string() : parsed.error().message();
  };
  EXPECT_THAT(error(R"({"limits": [{}, {"hours": "25:00-1"}]})"),
              HasSubstr("lateen.limits[1]: hours: \"25:00\" is no time of day"));
  EXPECT_THAT(error(R"({"limits": [{"hours": "night"}]})"), HasSubstr("not a range of hours"));
  EXPECT_THAT(error(R"({"limits": [{"upload": "fast"}]})"), HasSubstr("upload"));
  EXPECT_THAT(error(R"({"limits": [{"cpu": "-1"}]})"), HasSubstr("cpu is less than 0"));
  EXPECT_THAT(error(R"({"limits": [{"timeZone": "Mars/North"}]})"), HasSubstr("timeZone"));
}

TEST(MemoryPlan, NeverTakesMoreThanThereIsForAllVolumes) {
  EXPECT_EQ(MemoryPlan::of(0, 4).volumes, 4U);
  EXPECT_EQ(MemoryPlan::of(0, 4).each, 0U) << "as much as ever";
  EXPECT_EQ(MemoryPlan::of(512_MiB, 1).volumes, 1U);
  EXPECT_EQ(MemoryPlan::of(512_MiB, 8).volumes, 2U) << "no more fit";
  EXPECT_EQ(MemoryPlan::of(100_MiB, 8).volumes, 1U) << "one is always possible";
  for (const ByteCount limit : {256_MiB, 512_MiB, 1024_MiB, 4096_MiB}) {
    for (const std::size_t asked : {1U, 3U, 10U}) {
      const MemoryPlan plan = MemoryPlan::of(limit, asked);
      EXPECT_LE(plan.volumes * plan.each, limit) << limit << " for " << asked;
    }
  }
}

}  // namespace
}  // namespace lateen::agent
