#include "base/log_capture.h"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "base/testing/fake_clock.h"

namespace lateen {
namespace {

std::shared_ptr<const Clock> clock() {
  return std::make_shared<FakeClock>("2026-05-20T02:00:01Z");
}

TEST(CapturingSink, CountsAndKeepsWarningsAndErrors) {
  Bytes lines;
  const auto sink =
      std::make_shared<CapturingSink>(LogLevel::Info, LogFormat::Text, append_lines_to(lines));
  const Log log(sink, clock());
  log.debug("no");
  log.info("one");
  log.warning("two", {{"name", "db"}});
  log.error("three");
  log.error("four");
  EXPECT_EQ(sink->warnings(), 1U);
  EXPECT_EQ(sink->errors(), 2U);
  ASSERT_EQ(sink->kept().size(), 3U);
  EXPECT_EQ(sink->kept()[0].message, "two");
  EXPECT_EQ(sink->kept()[0].fields[0].key, "name");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 4);
}

TEST(CapturingSink, CountsWarningsThatItsLevelHides) {
  Bytes lines;
  const auto sink =
      std::make_shared<CapturingSink>(LogLevel::Error, LogFormat::Text, append_lines_to(lines));
  Log(sink, clock()).warning("hidden");
  EXPECT_EQ(sink->warnings(), 1U);
  EXPECT_TRUE(lines.empty());
}

TEST(CapturingSink, StillCountsWhatItNoLongerKeeps) {
  Bytes lines;
  const auto sink =
      std::make_shared<CapturingSink>(LogLevel::Info, LogFormat::Text, append_lines_to(lines), 2);
  const Log log(sink, clock());
  for (int i = 0; i < 5; ++i)
    log.error("again", {{"i", i}});
  EXPECT_EQ(sink->errors(), 5U);
  EXPECT_EQ(sink->kept().size(), 2U);
}

TEST(CapturingSink, RemembersTheFirstLineThatCouldNotBeWrittenAndGoesOnCounting) {
  const auto sink = std::make_shared<CapturingSink>(
      LogLevel::Info, LogFormat::Text,
      [](BytesView) -> Status { return Error(Code::Io, "the disk is full"); });
  const Log log(sink, clock());
  EXPECT_TRUE(sink->status());
  log.error("one");
  log.error("two");
  ASSERT_FALSE(sink->status());
  EXPECT_EQ(sink->status().error().message(), "the disk is full");
  EXPECT_EQ(sink->errors(), 2U);
}

TEST(TeeSink, GivesEveryEntryToAll) {
  Bytes first;
  Bytes second;
  const Log log(make_tee_sink({std::make_shared<CapturingSink>(LogLevel::Error, LogFormat::Text,
                                                               append_lines_to(first)),
                               std::make_shared<CapturingSink>(LogLevel::Debug, LogFormat::JsonLine,
                                                               append_lines_to(second))}),
                clock());
  log.debug("detail");
  log.error("trouble");
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 1);
  EXPECT_EQ(std::count(second.begin(), second.end(), '\n'), 2);
}

}  // namespace
}  // namespace lateen
