#include "cli/repo/retention.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "base/zone.h"

namespace lateen::cli::repo {
namespace {

CivilTime civil_of(const DatedSnapshot& snapshot) {
  return Zone().to_civil(snapshot.time + snapshot.zone);
}

// The ISO week's year and number as one number.
std::int64_t iso_week(const CivilTime& t) {
  using std::chrono::days;
  using std::chrono::sys_days;
  using std::chrono::year_month_day;
  const sys_days day =
      year_month_day(std::chrono::year(t.year), std::chrono::month(static_cast<unsigned>(t.month)),
                     std::chrono::day(static_cast<unsigned>(t.day)));
  // The week belongs to the year that its Thursday is in.
  const sys_days thursday = day + days(4 - (t.weekday == 0 ? 7 : t.weekday));
  const year_month_day of_thursday(thursday);
  const sys_days new_year = of_thursday.year() / std::chrono::January / 1;
  return static_cast<std::int64_t>(static_cast<int>(of_thursday.year())) * 100 +
         (thursday - new_year).count() / 7 + 1;
}

enum class Period { Always, Hour, Day, Week, Month, Year };

std::int64_t bucket_of(Period period, const CivilTime& t, std::size_t number) {
  const std::int64_t month = static_cast<std::int64_t>(t.year) * 100 + t.month;
  switch (period) {
    case Period::Always:
      return static_cast<std::int64_t>(number);
    case Period::Hour:
      return (month * 100 + t.day) * 100 + t.hour;
    case Period::Day:
      return month * 100 + t.day;
    case Period::Week:
      return iso_week(t);
    case Period::Month:
      return month;
    case Period::Year:
      return t.year;
  }
  return 0;
}

// Fields that get out of range carry over, as Go's AddDate has it.
TimePoint minus_span(TimePoint t, Duration zone, const CalendarSpan& span) {
  CivilTime civil = Zone().to_civil(t + zone);
  civil.year -= span.years;
  civil.month -= span.months;
  civil.day -= span.days;
  return Zone().to_time(civil) - zone - std::chrono::hours(span.hours);
}

// One rule that keeps the first snapshot of each period: so many of them, or those since a time.
struct Rule {
  Period period;
  std::string_view name;
  int left = 0;                         // of the counting kind; kUnlimited never ends
  std::optional<TimePoint> since = {};  // of the other kind
  CalendarSpan span = {};
  std::int64_t last = -1;

  bool counts() const { return !since; }

  bool applies(TimePoint t) const { return counts() ? left != 0 : t > *since; }

  // Why this snapshot is kept, or nothing. The oldest of all is kept as well: it makes the history
  // as long as it can be.
  std::string reason(const CivilTime& civil, std::size_t number, bool is_oldest) {
    const std::int64_t bucket = bucket_of(period, civil, number);
    const bool is_new = bucket != last;
    if (!is_new && !is_oldest) return {};
    last = bucket;
    if (counts() && left > 0) --left;
    std::string why = is_new ? "" : "oldest ";
    why += name;
    if (!counts()) why += " " + span.text();
    return why;
  }
};

std::vector<Rule> rules_of(const KeepPolicy& p, TimePoint newest, Duration zone) {
  const std::array<Rule, 6> counting = {
      {{.period = Period::Always, .name = "last snapshot", .left = p.last},
       {.period = Period::Hour, .name = "hourly snapshot", .left = p.hourly},
       {.period = Period::Day, .name = "daily snapshot", .left = p.daily},
       {.period = Period::Week, .name = "weekly snapshot", .left = p.weekly},
       {.period = Period::Month, .name = "monthly snapshot", .left = p.monthly},
       {.period = Period::Year, .name = "yearly snapshot", .left = p.yearly}}};
  const std::array<Rule, 5> within = {
      {{.period = Period::Hour, .name = "hourly within", .span = p.within_hourly},
       {.period = Period::Day, .name = "daily within", .span = p.within_daily},
       {.period = Period::Week, .name = "weekly within", .span = p.within_weekly},
       {.period = Period::Month, .name = "monthly within", .span = p.within_monthly},
       {.period = Period::Year, .name = "yearly within", .span = p.within_yearly}}};
  std::vector<Rule> rules(counting.begin(), counting.end());
  for (Rule rule : within) {
    if (rule.span.is_zero()) continue;
    rule.since = minus_span(newest, zone, rule.span);
    rules.push_back(rule);
  }
  return rules;
}

// The newest that is not in the future.
const DatedSnapshot* find_newest(std::span<const DatedSnapshot> snapshots, TimePoint now) {
  for (const DatedSnapshot& snapshot : snapshots) {
    if (snapshot.time < now) return &snapshot;
  }
  return nullptr;
}

std::string tag_list_text(const std::vector<std::string>& tags) {
  return "[" + join(std::span<const std::string>(tags), ", ") + "]";
}

void add_count(std::vector<std::string>& out, int count, std::string_view name) {
  if (count > 0) out.push_back(fmt::format("{} {}", count, name));
  if (count == kUnlimited) out.push_back(fmt::format("all {}", name));
}

void add_span(std::vector<std::string>& out, const CalendarSpan& span, std::string_view name) {
  if (!span.is_zero()) out.push_back(fmt::format("{} snapshots within {}", name, span.text()));
}

}  // namespace

std::string CalendarSpan::text() const {
  std::string out;
  if (years != 0) out += fmt::format("{}y", years);
  if (months != 0) out += fmt::format("{}m", months);
  if (days != 0) out += fmt::format("{}d", days);
  if (hours != 0) out += fmt::format("{}h", hours);
  return out;
}

Result<CalendarSpan> parse_calendar_span(std::string_view text) {
  CalendarSpan span;
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const auto number = parse_int(rest.substr(0, digits));
    if (digits == 0 || !number || *number > 1'000'000) {
      return Error(Code::InvalidArgument, "\"{}\" is not a span of time", text)
          .with_hint("Write years, months, days and hours: 1y5m7d2h.");
    }
    const char unit = digits < rest.size() ? rest[digits] : ' ';
    int* const field = unit == 'y'   ? &span.years
                       : unit == 'm' ? &span.months
                       : unit == 'd' ? &span.days
                       : unit == 'h' ? &span.hours
                                     : nullptr;
    if (field == nullptr) {
      return Error(Code::InvalidArgument, "\"{}\" is not a span of time: no unit after {}", text,
                   *number)
          .with_hint("Write years, months, days and hours: 1y5m7d2h.");
    }
    *field = static_cast<int>(*number);
    rest.remove_prefix(digits + 1);
  }
  return span;
}

Result<int> parse_keep_count(std::string_view text) {
  if (text == "unlimited") return kUnlimited;
  const auto number = parse_int(text);
  if (!number || *number < 0 || *number > 1'000'000'000) {
    return Error(Code::InvalidArgument, "\"{}\" is not a number of snapshots", text)
        .with_hint("Give a number, or \"unlimited\".");
  }
  return static_cast<int>(*number);
}

bool KeepPolicy::empty() const {
  return last == 0 && hourly == 0 && daily == 0 && weekly == 0 && monthly == 0 && yearly == 0 &&
         within.is_zero() && within_hourly.is_zero() && within_daily.is_zero() &&
         within_weekly.is_zero() && within_monthly.is_zero() && within_yearly.is_zero() &&
         tags.empty();
}

std::string KeepPolicy::describe() const {
  std::vector<std::string> counts;
  add_count(counts, last, "latest");
  add_count(counts, hourly, "hourly");
  add_count(counts, daily, "daily");
  add_count(counts, weekly, "weekly");
  add_count(counts, monthly, "monthly");
  add_count(counts, yearly, "yearly");
  std::vector<std::string> spans;
  add_span(spans, within_hourly, "hourly");
  add_span(spans, within_daily, "daily");
  add_span(spans, within_weekly, "weekly");
  add_span(spans, within_monthly, "monthly");
  add_span(spans, within_yearly, "yearly");
  std::string out;
  if (!counts.empty()) out = join(std::span<const std::string>(counts), ", ") + " snapshots";
  if (!spans.empty()) {
    out += (out.empty() ? "" : ", ") + join(std::span<const std::string>(spans), ", ");
  }
  if (!tags.empty()) {
    std::vector<std::string> lists;
    for (const auto& list : tags)
      lists.push_back(tag_list_text(list));
    out += fmt::format("{}all snapshots with tags [{}]", out.empty() ? "" : " and ",
                       join(std::span<const std::string>(lists), " "));
  }
  if (!within.is_zero()) {
    out += fmt::format("{}all snapshots within {} of the newest", out.empty() ? "" : " and ",
                       within.text());
  }
  return out.empty() ? "remove" : "keep " + out;
}

bool has_tags(const std::vector<std::string>& has, const std::vector<std::string>& wanted) {
  for (const std::string& tag : wanted) {
    if (tag.empty() && has.empty()) return true;
    if (std::find(has.begin(), has.end(), tag) == has.end()) return false;
  }
  return true;
}

std::vector<KeepDecision> apply_policy(std::span<const DatedSnapshot> snapshots,
                                       const KeepPolicy& policy,
                                       TimePoint now) {
  std::vector<KeepDecision> decisions(snapshots.size());
  if (snapshots.empty()) return decisions;
  const DatedSnapshot* newest = find_newest(snapshots, now);
  // Everything in the future: spans then reach from the beginning of time and keep it all.
  const TimePoint from = newest == nullptr ? TimePoint() : newest->time;
  const Duration zone = newest == nullptr ? Duration() : newest->zone;
  std::vector<Rule> rules = rules_of(policy, from, zone);
  const std::optional<TimePoint> since =
      policy.within.is_zero() ? std::nullopt : std::optional(minus_span(from, zone, policy.within));
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    const DatedSnapshot& snapshot = snapshots[i];
    std::vector<std::string>& reasons = decisions[i].reasons;
    for (const auto& list : policy.tags) {
      if (has_tags(snapshot.tags, list)) reasons.push_back("has tags " + tag_list_text(list));
    }
    if (since && snapshot.time > *since) reasons.push_back("within " + policy.within.text());
    const CivilTime civil = civil_of(snapshot);
    for (Rule& rule : rules) {
      if (!rule.applies(snapshot.time)) continue;
      std::string reason = rule.reason(civil, i, i + 1 == snapshots.size());
      if (!reason.empty()) reasons.push_back(std::move(reason));
    }
    decisions[i].keep = !reasons.empty();
  }
  return decisions;
}

}  // namespace lateen::cli::repo
