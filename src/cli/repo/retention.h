// Which snapshots to keep: restic's --keep-* rules. Pure: it sees times and tags, and says for each
// snapshot whether it stays and why.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace lateen::cli::repo {

// "1y5m7d2h": years, months, days and hours of the calendar.
struct CalendarSpan {
  int years = 0;
  int months = 0;
  int days = 0;
  int hours = 0;

  bool is_zero() const { return years == 0 && months == 0 && days == 0 && hours == 0; }

  std::string text() const;
};

Result<CalendarSpan> parse_calendar_span(std::string_view text);

// How many to keep: "unlimited" is kUnlimited.
inline constexpr int kUnlimited = -1;
Result<int> parse_keep_count(std::string_view text);

struct KeepPolicy {
  int last = 0;
  int hourly = 0;
  int daily = 0;
  int weekly = 0;
  int monthly = 0;
  int yearly = 0;
  CalendarSpan within = {};
  CalendarSpan within_hourly = {};
  CalendarSpan within_daily = {};
  CalendarSpan within_weekly = {};
  CalendarSpan within_monthly = {};
  CalendarSpan within_yearly = {};
  std::vector<std::vector<std::string>> tags = {};  // one list that is wholly there is enough

  bool empty() const;
  // "keep 3 latest, 7 daily snapshots".
  std::string describe() const;
};

struct DatedSnapshot {
  TimePoint time = {};
  Duration zone = {};  // of its writer, east of UTC: days end when theirs did
  std::vector<std::string> tags = {};
};

struct KeepDecision {
  bool keep = false;
  std::vector<std::string> reasons = {};  // "daily snapshot", "within 7d"
};

// One decision for each of `snapshots`, which must be sorted newest first. Spans count from the
// newest snapshot that is not in the future.
std::vector<KeepDecision> apply_policy(std::span<const DatedSnapshot> snapshots,
                                       const KeepPolicy& policy,
                                       TimePoint now);

// Whether `has` holds all of `wanted`; an empty word stands for "no tags at all".
bool has_tags(const std::vector<std::string>& has, const std::vector<std::string>& wanted);

}  // namespace lateen::cli::repo
