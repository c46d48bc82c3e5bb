#include "cli/repo/retention.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"

namespace lateen::cli::repo {
namespace {

std::vector<std::string> texts_of(const Json* list) {
  std::vector<std::string> out;
  for (const Json& text : list->get_array())
    out.emplace_back(as_text(&text));
  return out;
}

KeepPolicy policy_of(const JsonObject& keep) {
  KeepPolicy policy;
  for (const auto& [name, value] : keep) {
    const std::string text(as_text(&value));
    const auto count = parse_keep_count(text);
    const auto span = parse_calendar_span(text);
    if (name == "last") policy.last = *count;
    if (name == "hourly") policy.hourly = *count;
    if (name == "daily") policy.daily = *count;
    if (name == "weekly") policy.weekly = *count;
    if (name == "monthly") policy.monthly = *count;
    if (name == "yearly") policy.yearly = *count;
    if (name == "within") policy.within = *span;
    if (name == "within-hourly") policy.within_hourly = *span;
    if (name == "within-daily") policy.within_daily = *span;
    if (name == "within-weekly") policy.within_weekly = *span;
    if (name == "within-monthly") policy.within_monthly = *span;
    if (name == "within-yearly") policy.within_yearly = *span;
    if (name == "tag") policy.tags = {{text}};
  }
  return policy;
}

TEST(Retention, KeepsWhatResticKeepsForTheSameReasons) {
  const Bytes text = read_file(FilePath(LATEEN_TESTDATA) / "restic/forget.json").value();
  const Json golden = parse_json(text).value();
  std::vector<DatedSnapshot> snapshots;
  for (const Json& s : *array_at(golden, "snapshots")) {
    snapshots.push_back({.time = parse_rfc3339(string_at(s, "time")).value(),
                         .tags = {std::string(string_at(s, "tag"))}});
  }
  std::reverse(snapshots.begin(), snapshots.end());
  const TimePoint now = parse_rfc3339("2026-11-22T18:00:00Z").value();
  for (const Json& one : *array_at(golden, "policies")) {
    const auto decisions = apply_policy(snapshots, policy_of(*object_at(one, "keep")), now);
    std::vector<std::pair<std::string, std::vector<std::string>>> kept;
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
      if (decisions[i].keep)
        kept.emplace_back(format_rfc3339(snapshots[i].time), decisions[i].reasons);
    }
    std::vector<std::pair<std::string, std::vector<std::string>>> expected;
    for (const Json& k : *array_at(one, "kept"))
      expected.emplace_back(string_at(k, "time"), texts_of(find(k, "matches")));
    EXPECT_EQ(kept, expected) << write_json(*find(one, "keep"));
  }
}

TEST(Retention, DaysEndWhereTheSnapshotWasMade) {
  const TimePoint evening = parse_rfc3339("2026-11-21T23:30:00Z").value();
  const TimePoint later = parse_rfc3339("2026-11-22T00:30:00Z").value();
  const Duration hour = std::chrono::hours(1);
  const std::vector<DatedSnapshot> east = {{.time = later, .zone = hour},
                                           {.time = evening, .zone = hour}};
  EXPECT_EQ(apply_policy(east, KeepPolicy{.daily = 1}, later + hour)[1].keep, false);
  const std::vector<DatedSnapshot> utc = {{.time = later}, {.time = evening}};
  EXPECT_EQ(apply_policy(utc, KeepPolicy{.daily = 2}, later + hour)[1].reasons,
            std::vector<std::string>{"daily snapshot"});
  EXPECT_EQ(apply_policy(east, KeepPolicy{.daily = 2}, later + hour)[1].reasons,
            std::vector<std::string>{"oldest daily snapshot"});
}

TEST(Retention, SpansAreReadAndWritten) {
  EXPECT_EQ(parse_calendar_span("1y5m7d2h")->text(), "1y5m7d2h");
  EXPECT_EQ(parse_calendar_span(" 3h ")->hours, 3);
  for (const std::string_view broken : {"5", "d", "1w", "-1d", "1d2"})
    EXPECT_FALSE(parse_calendar_span(broken)) << broken;
  EXPECT_EQ(parse_keep_count("unlimited").value(), kUnlimited);
  EXPECT_FALSE(parse_keep_count("-1"));
}

TEST(Retention, APolicyIsSaidInWords) {
  const KeepPolicy policy{
      .last = 3, .daily = kUnlimited, .within = {.days = 7}, .tags = {{"a", "b"}}};
  EXPECT_EQ(policy.describe(),
            "keep 3 latest, all daily snapshots and all snapshots with tags [[a, b]] and all "
            "snapshots within 7d of the newest");
}

}  // namespace
}  // namespace lateen::cli::repo
