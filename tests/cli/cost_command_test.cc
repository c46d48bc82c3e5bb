#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "base/zone.h"
#include "cli/commands.h"
#include "cli/object_reports.h"
#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using ::testing::HasSubstr;

struct CostOutcome {
  int code;
  std::string printed;
  std::string complained;
};

CostOutcome cost(std::vector<std::string> words) {
  words.insert(words.begin(), "cost");
  RecordedConsole console;
  const FakeClock clock("2026-11-22T10:00:00Z");
  const int code = dispatch(root_command("lateen"), words, console, clock, {});
  return {.code = code, .printed = console.printed, .complained = console.complained};
}

TEST(Cost, PricesASchemeLineByLine) {
  const CostOutcome outcome = cost({"--full", "200", "--daily-change", "5", "--plan", "7d4w12m"});
  EXPECT_EQ(outcome.code, 0) << outcome.complained;
  EXPECT_EQ(outcome.printed,
            "7d4w12m: 23 backups, 790 GB, $39.50 a month once it is full\n"
            "\n"
            "PART          COUNT   GB EACH   GB    A MONTH\n"
            "first daily   1       200       200   $10.00\n"
            "daily         6       5         30    $1.50\n"
            "weekly        4       20        80    $4.00\n"
            "monthly       12      40        480   $24.00\n"
            "total         23                790   $39.50\n"
            "\n");
}

TEST(Cost, HoldsTheQuotedFiguresAgainstTheModel) {
  const CostOutcome outcome = cost({"example"});
  EXPECT_EQ(outcome.code, 0) << outcome.complained;
  for (const char* part : {"$39.50", "$11.50", "345", "$17.25", "2020", "$101.00", "$82.50",
                           "200 + 29 x 5 = 345", "365 backups to 23"})
    EXPECT_THAT(outcome.printed, HasSubstr(part));
}

TEST(Cost, IsADocumentAndATable) {
  const CostOutcome json =
      cost({"--full", "200", "--plan", "23", "--plan", "ttl=720h", "-o", "json"});
  const auto document = parse_json(json.printed);
  ASSERT_TRUE(document) << json.printed << json.complained;
  const JsonArray* plans = array_at(*document, "plans");
  ASSERT_NE(plans, nullptr);
  ASSERT_EQ(plans->size(), 2U);
  EXPECT_EQ(find((*plans)[0], "month")->to_number<double>(), 39.5);
  EXPECT_EQ(find((*plans)[1], "month")->to_number<double>(), 17.25);
  const CostOutcome csv = cost({"--full", "200", "--plan", "7d", "-o", "csv"});
  EXPECT_EQ(csv.printed,
            "plan,namespace,part,count,gb,month,currency\n"
            "7d,,first daily,1,200,10.000000,USD\n"
            "7d,,daily,6,30,1.500000,USD\n");
}

TEST(Cost, TakesPricesFromAFile) {
  const TempDir dir = TempDir::create("prices").value();
  const FilePath file = dir.path() / "prices.yaml";
  ASSERT_TRUE(write_file(file, "currency: EUR\nsnapshotGBMonth: 0.1\n"));
  const CostOutcome outcome =
      cost({"--full", "200", "--daily-change", "5", "--plan", "23", "--prices", file.string()});
  EXPECT_THAT(outcome.printed, HasSubstr("79.00 EUR"));
  const CostOutcome printed = cost({"prices", "--prices", file.string()});
  EXPECT_THAT(printed.printed, HasSubstr("snapshotGBMonth: 0.1\n"));
  EXPECT_THAT(printed.printed, HasSubstr("GLACIER_IR:"));
}

TEST(Cost, WhatIfTheYearliesLieInDeepArchiveAndAllInASecondRegion) {
  const CostOutcome outcome = cost({"--full", "200", "--plan", "7d4w12m7y", "--yearly-class",
                                    "DEEP_ARCHIVE", "--second-region", "STANDARD"});
  EXPECT_THAT(outcome.printed, HasSubstr("$1.39"));
  EXPECT_THAT(outcome.printed, HasSubstr("transfer to it"));
  const CostOutcome cold =
      cost({"--full", "100", "--as", "files", "--plan", "7d", "--storage-class", "GLACIER_IR"});
  EXPECT_EQ(cold.code, 0) << cold.complained;
}

TEST(Cost, SaysWhatIsWrong) {
  EXPECT_THAT(cost({"--full", "much"}).complained, HasSubstr("--full \"much\" is not a number"));
  EXPECT_THAT(cost({"--daily-change", "5"}).complained, HasSubstr("goes with --full"));
  EXPECT_THAT(cost({"--full", "1", "--plan", "7x"}).complained, HasSubstr("plan 7x"));
  EXPECT_THAT(cost({"--full", "1", "--storage-class", "HOT"}).complained, HasSubstr("GLACIER_IR"));
  EXPECT_THAT(cost({"--full", "1", "-o", "xml"}).complained, HasSubstr("'csv'"));
}

TEST(Since, IsAMomentInThePast) {
  const TimePoint now = FakeClock("2026-11-22T10:00:00Z").now();
  const auto at = [now](std::string_view text) {
    const auto time = parse_since(text, now, Zone());
    return time ? shown_time(*time, Zone()) : time.error().message();
  };
  EXPECT_EQ(at("02:00"), "2026-11-22 02:00:00 UTC");
  EXPECT_EQ(at("23:30"), "2026-11-21 23:30:00 UTC");
  EXPECT_EQ(at("9h"), "2026-11-22 01:00:00 UTC");
  EXPECT_EQ(at("2026-11-20"), "2026-11-20 00:00:00 UTC");
  EXPECT_EQ(at("2026-11-20T03:00:00Z"), "2026-11-20 03:00:00 UTC");
  EXPECT_EQ(at("yesterday"), "--since \"yesterday\" is no time");
}

}  // namespace
}  // namespace lateen::cli
