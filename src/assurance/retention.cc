#include "assurance/retention.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

// More than this many of a class is a mistake in the text: a century of days.
constexpr std::int64_t kMost = 36'500;

constexpr Duration kFailuresStay = hours(7 * 24);

struct Field {
  std::string_view name;
  char letter;  // of the short form
  std::size_t RetentionPolicy::* count;
};

constexpr std::array<Field, 7> kFields = {{{"last", 'l', &RetentionPolicy::last},
                                           {"hourly", 'h', &RetentionPolicy::hourly},
                                           {"daily", 'd', &RetentionPolicy::daily},
                                           {"weekly", 'w', &RetentionPolicy::weekly},
                                           {"monthly", 'm', &RetentionPolicy::monthly},
                                           {"yearly", 'y', &RetentionPolicy::yearly},
                                           {"keepAtLeast", '\0', &RetentionPolicy::keep_at_least}}};

Error malformed(std::string_view text, std::string_view why) {
  return Error(Code::InvalidArgument, "retention {}: {}", quote_go(text), why)
      .with_hint(
          "Write daily=7,weekly=4,monthly=12 (or 7d4w12m), with any of last, hourly, daily, "
          "weekly, monthly, yearly and keepAtLeast.");
}

Result<std::size_t> parse_count(std::string_view text, std::string_view number) {
  const auto count = parse_int(number);
  if (!count || *count < 0 || *count > kMost) {
    return malformed(text, fmt::format("{} is not a number from 0 to {}", quote_go(number), kMost));
  }
  return static_cast<std::size_t>(*count);
}

Status parse_long(std::string_view text, RetentionPolicy& policy) {
  std::set<std::string_view> seen;
  for (const std::string_view part : split(text, ',')) {
    const Cut pair = cut(part, "=");
    const std::string_view name = trim(pair.before);
    const auto field = std::find_if(kFields.begin(), kFields.end(),
                                    [&](const Field& f) { return f.name == name; });
    if (field == kFields.end()) {
      return malformed(text, fmt::format("{} is none of its words", quote_go(name)));
    }
    if (!seen.insert(name).second) return malformed(text, fmt::format("{} comes twice", name));
    policy.*(field->count) = TRY(parse_count(text, trim(pair.after)));
  }
  return {};
}

Status parse_short(std::string_view text, RetentionPolicy& policy) {
  std::string_view rest = text;
  std::set<char> seen;
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const char letter = digits < rest.size() ? rest[digits] : '\0';
    const auto field = std::find_if(kFields.begin(), kFields.end(),
                                    [&](const Field& f) { return f.letter == letter; });
    if (letter == '\0' || digits == 0 || field == kFields.end()) {
      return malformed(text, "it is neither the long form nor the short one");
    }
    if (!seen.insert(letter).second) return malformed(text, fmt::format("{} comes twice", letter));
    policy.*(field->count) = TRY(parse_count(text, rest.substr(0, digits)));
    rest.remove_prefix(digits + 1);
  }
  return {};
}

// The period that a moment lies in, as a number that grows with time.
using PeriodOf = std::int64_t (*)(const CivilTime& civil, std::int64_t day);

// Days since 1970-01-01 of a civil date.
std::int64_t day_number(const CivilTime& civil) {
  const std::chrono::year_month_day date{std::chrono::year(civil.year),
                                         std::chrono::month(static_cast<unsigned>(civil.month)),
                                         std::chrono::day(static_cast<unsigned>(civil.day))};
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::int64_t hour_of(const CivilTime& civil, std::int64_t day) {
  return day * 24 + civil.hour;
}

std::int64_t day_of(const CivilTime& /*civil*/, std::int64_t day) {
  return day;
}

// 1970-01-01 was a Thursday: weeks begin on Mondays.
std::int64_t week_of(const CivilTime& /*civil*/, std::int64_t day) {
  return (day + 3 + 7'000'000) / 7;
}

std::int64_t month_of(const CivilTime& civil, std::int64_t /*day*/) {
  return std::int64_t{civil.year} * 12 + civil.month;
}

std::int64_t year_of(const CivilTime& civil, std::int64_t /*day*/) {
  return civil.year;
}

// A backup that holds something, from the newest to the oldest.
struct Candidate {
  std::size_t index;  // in the caller's list
  BackupQuality quality;
  CivilTime civil;
  std::int64_t day;
};

class Decision {
 public:
  Decision(const std::vector<RetainedBackup>& backups, const Zone& zone) : held_(backups.size()) {
    for (std::size_t i = 0; i < backups.size(); ++i) {
      if (backups[i].quality == BackupQuality::Failed) continue;
      const CivilTime civil = zone.to_civil(backups[i].time);
      candidates_.push_back({i, backups[i].quality, civil, day_number(civil)});
    }
    std::sort(candidates_.begin(), candidates_.end(), [&](const Candidate& a, const Candidate& b) {
      const RetainedBackup& left = backups[a.index];
      const RetainedBackup& right = backups[b.index];
      return left.time != right.time ? left.time > right.time : left.name > right.name;
    });
  }

  // The newest `count`, whatever they are.
  void hold_last(std::size_t count) {
    for (std::size_t i = 0; i < std::min(count, candidates_.size()); ++i)
      hold(candidates_[i], RetentionClass::Last);
  }

  // The newest backup of each of the newest `count` periods.
  void hold_newest(std::size_t count, PeriodOf period, RetentionClass as) {
    std::map<std::int64_t, const Candidate*, std::greater<>> best;
    for (const Candidate& one : candidates_) {
      const Candidate*& chosen = best[period(one.civil, one.day)];
      if (chosen == nullptr || better(one, *chosen)) chosen = &one;
    }
    for (const auto& [when, one] : best) {
      if (count == 0) return;
      hold(*one, as);
      --count;
    }
  }

  // The first backup of each of the newest `count` periods whose first no finer class holds.
  void hold_first(std::size_t count, PeriodOf period, RetentionClass as) {
    std::map<std::int64_t, const Candidate*, std::greater<>> best;
    for (const Candidate& one : candidates_) {
      const Candidate*& chosen = best[period(one.civil, one.day)];
      if (chosen == nullptr || !better(*chosen, one)) chosen = &one;
    }
    for (const auto& [when, one] : best) {
      if (count == 0) return;
      if (held_[one->index]) continue;
      hold(*one, as);
      --count;
    }
  }

  // The newest `count` good ones, if nothing else holds them.
  void hold_good(std::size_t count) {
    for (const Candidate& one : candidates_) {
      if (count == 0) return;
      if (one.quality != BackupQuality::Good) continue;
      hold(one, RetentionClass::LastGood);
      --count;
    }
  }

  // Failed ones stay for people to look at.
  void hold_recent_failures(const std::vector<RetainedBackup>& backups) {
    TimePoint newest = TimePoint::min();
    TimePoint newest_good = TimePoint::min();
    for (const RetainedBackup& backup : backups) {
      newest = std::max(newest, backup.time);
      if (backup.quality == BackupQuality::Good) newest_good = std::max(newest_good, backup.time);
    }
    for (std::size_t i = 0; i < backups.size(); ++i) {
      if (backups[i].quality != BackupQuality::Failed) continue;
      const bool recent = newest - backups[i].time < kFailuresStay;
      if (recent || backups[i].time > newest_good) held_[i] = RetentionClass::Last;
    }
  }

  const std::vector<std::optional<RetentionClass>>& held() const { return held_; }

 private:
  static bool better(const Candidate& a, const Candidate& b) { return a.quality < b.quality; }

  void hold(const Candidate& one, RetentionClass as) {
    if (!held_[one.index]) held_[one.index] = as;
  }

  std::vector<Candidate> candidates_;
  std::vector<std::optional<RetentionClass>> held_;
};

}  // namespace

Result<RetentionPolicy> RetentionPolicy::parse(std::string_view text) {
  const std::string_view wanted = trim(text);
  RetentionPolicy policy;
  if (wanted == "23") return RetentionPolicy{.daily = 7, .weekly = 4, .monthly = 12};
  if (wanted.empty()) return malformed(text, "it is empty");
  TRY(wanted.find('=') != std::string_view::npos ? parse_long(wanted, policy)
                                                 : parse_short(wanted, policy));
  if (policy.size() == 0) return malformed(text, "it would keep nothing");
  return policy;
}

std::string RetentionPolicy::format() const {
  std::string text;
  for (const Field& field : kFields) {
    if (this->*(field.count) == 0 && field.letter != '\0') continue;
    fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : ",", field.name,
                   this->*(field.count));
  }
  return text;
}

std::size_t RetentionPolicy::size() const {
  return last + hourly + daily + weekly + monthly + yearly;
}

// Each class begins where the finer one ends, and a first of a period may be a whole period older
// than that.
Duration RetentionPolicy::span() const {
  const auto times = [](std::size_t count, hours unit) { return unit * static_cast<int>(count); };
  Duration span = times(hourly, hours(1)) + times(daily + last, hours(24));
  if (weekly > 0) span += times(weekly + 1, hours(7 * 24));
  if (monthly > 0) span += times(monthly + 1, hours(31 * 24));
  if (yearly > 0) span += times(yearly + 1, hours(366 * 24));
  return span + hours(24);
}

std::string_view to_string(RetentionClass held_as) {
  switch (held_as) {
    case RetentionClass::Last:
      return "last";
    case RetentionClass::Hourly:
      return "hourly";
    case RetentionClass::Daily:
      return "daily";
    case RetentionClass::Weekly:
      return "weekly";
    case RetentionClass::Monthly:
      return "monthly";
    case RetentionClass::Yearly:
      return "yearly";
    case RetentionClass::LastGood:
      return "last good";
  }
  return "";
}

std::vector<RetentionVerdict> decide_retention(const RetentionPolicy& policy,
                                               const std::vector<RetainedBackup>& backups,
                                               const Zone& zone) {
  Decision decision(backups, zone);
  decision.hold_last(policy.last);
  decision.hold_newest(policy.hourly, hour_of, RetentionClass::Hourly);
  decision.hold_newest(policy.daily, day_of, RetentionClass::Daily);
  decision.hold_first(policy.weekly, week_of, RetentionClass::Weekly);
  decision.hold_first(policy.monthly, month_of, RetentionClass::Monthly);
  decision.hold_first(policy.yearly, year_of, RetentionClass::Yearly);
  decision.hold_good(policy.keep_at_least);
  decision.hold_recent_failures(backups);
  std::vector<RetentionVerdict> verdicts;
  for (std::size_t i = 0; i < backups.size(); ++i)
    verdicts.push_back({.name = backups[i].name, .held_as = decision.held()[i]});
  return verdicts;
}

}  // namespace lateen::assurance
