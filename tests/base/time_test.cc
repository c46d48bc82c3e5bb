#include "base/time.h"

#include <gtest/gtest.h>

namespace lateen {
namespace {

TimePoint at(std::string_view text) {
  return parse_rfc3339(text).value();
}

TEST(Time, IsReadWithAnyOffsetAndFraction) {
  EXPECT_EQ(at("2026-11-22T10:09:21Z"), at("2026-11-22T11:39:21+01:30"));
  EXPECT_EQ(at("2026-11-22T10:09:21Z"), at("2026-11-22T05:09:21-05:00"));
  EXPECT_EQ(at("1970-01-01T00:00:00.5Z").time_since_epoch(), std::chrono::milliseconds(500));
  EXPECT_EQ(at("1969-12-31T23:59:59.999999999Z").time_since_epoch(), Duration(-1));
  EXPECT_EQ(at("1970-01-01T00:00:00.1234567899Z").time_since_epoch(), Duration(123456789));
}

TEST(Time, IsRefusedUnlessItIsARealOne) {
  for (const std::string_view bad :
       {"", "2026-11-22", "2026-11-22T10:09:21", "2026-11-22 10:09:21Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z",
        "2026-11-22T10:09:60Z", "2026-11-22T10:09:21.Z", "2026-11-22T10:09:21Zx",
        "2026-11-22T10:09:21+0100", "26-11-22T10:09:21Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
  EXPECT_EQ(parse_rfc3339("soon").error().message(),
            "\"soon\" is not a time such as 2026-11-22T10:09:21Z");
}

TEST(Time, BeyondWhatFitsIsTheNearestThatDoes) {
  EXPECT_EQ(at("0001-01-01T00:00:00Z"), TimePoint::min());
  EXPECT_EQ(at("9999-12-31T23:59:59Z"), TimePoint::max());
  EXPECT_EQ(add_saturated(TimePoint::max(), Duration(1)), TimePoint::max());
  EXPECT_EQ(add_saturated(TimePoint::min(), Duration(-1)), TimePoint::min());
  EXPECT_EQ(add_saturated(at("2026-01-01T00:00:00Z"), std::chrono::hours(24)),
            at("2026-01-02T00:00:00Z"));
}

TEST(Time, IsWrittenInEachOfTheFormsThatKubernetesAndVeleroUse) {
  const TimePoint t = at("2026-11-22T10:09:21.120000Z");
  EXPECT_EQ(format_rfc3339(t), "2026-11-22T10:09:21Z");
  EXPECT_EQ(format_rfc3339_micro(t), "2026-11-22T10:09:21.120000Z");
  EXPECT_EQ(format_rfc3339_nano(t), "2026-11-22T10:09:21.12Z");
  EXPECT_EQ(format_rfc3339_nano(at("2026-11-22T10:09:21Z")), "2026-11-22T10:09:21Z");
  EXPECT_EQ(format_go_time(at("2026-11-22T10:09:21Z")), "2026-11-22 10:09:21 +0000 UTC");
  EXPECT_EQ(format_go_time(t), "2026-11-22 10:09:21.12 +0000 UTC");
  EXPECT_EQ(format_timestamp_suffix(t), "20261122100921");
  EXPECT_EQ(format_rfc3339(TimePoint(Duration(-1))), "1969-12-31T23:59:59Z");
}

TEST(Time, IsShownRelativeToNow) {
  const TimePoint now = at("2026-11-22T10:00:00Z");
  EXPECT_EQ(human_time_from_now(at("2026-12-22T10:00:00Z"), now), "30d");
  EXPECT_EQ(human_time_from_now(at("2026-11-22T07:00:00Z"), now), "3h ago");
  EXPECT_EQ(human_time_from_now(now, now), "0s");
}

}  // namespace
}  // namespace lateen
