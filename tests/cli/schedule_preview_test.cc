#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/testing/fake_clock.h"
#include "cli/commands.h"
#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int code;
  std::string printed;
  std::string complained;
};

Outcome preview(std::vector<std::string> words) {
  words.insert(words.begin(), {"schedule", "preview"});
  RecordedConsole console;
  const FakeClock clock("2026-11-22T10:00:00Z");
  const int code = dispatch(root_command("lateen"), words, console, clock, {});
  return {.code = code, .printed = console.printed, .complained = console.complained};
}

TEST(SchedulePreview, NeedsNoClusterForACronLine) {
  const Outcome outcome =
      preview({"--schedule", "CRON_TZ=UTC 0 2 * * *", "--retention", "2d1w", "--days", "4"});
  EXPECT_EQ(outcome.code, 0) << outcome.complained;
  EXPECT_EQ(outcome.printed,
            "DAY          MADE   HELD   OLDEST       HELD AS\n"
            "2026-11-22   0      0                   \n"
            "2026-11-23   1      1      2026-11-23   1 daily\n"
            "2026-11-24   1      2      2026-11-23   2 daily\n"
            "2026-11-25   1      3      2026-11-23   2 daily, 1 weekly\n");
}

TEST(SchedulePreview, IsADocumentToo) {
  const Outcome outcome =
      preview({"--schedule", "CRON_TZ=UTC 0 2 * * *", "--ttl", "48h", "--days", "5", "-o", "json"});
  EXPECT_EQ(outcome.code, 0) << outcome.complained;
  const auto document = parse_json(outcome.printed);
  ASSERT_TRUE(document);
  const JsonArray* days = array_at(*document, "days");
  ASSERT_NE(days, nullptr);
  ASSERT_EQ(days->size(), 5U);
  EXPECT_EQ(string_at((*days)[4], "day"), "2026-11-26");
  EXPECT_EQ(int_at((*days)[4], "held"), 2);
  EXPECT_EQ(int_at((*days)[4], "heldAs.ttl"), 2);
}

TEST(SchedulePreview, SaysWhatIsWrong) {
  EXPECT_THAT(preview({"--schedule", "often"}).complained, HasSubstr("invalid schedule"));
  EXPECT_THAT(preview({"--schedule", "@daily", "--retention", "7x"}).complained,
              HasSubstr("retention \"7x\""));
  EXPECT_THAT(preview({"--retention", "23"}).complained, HasSubstr("go with --schedule"));
  EXPECT_THAT(preview({"--schedule", "@daily", "--days", "0"}).complained,
              HasSubstr("--days 0 is not from 1 to 3660"));
}

}  // namespace
}  // namespace lateen::cli
