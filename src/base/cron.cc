#include "base/cron.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/cron_field.h"
#include "base/duration.h"
#include "base/text.h"

namespace lateen {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kYearsToLook = 5;

bool has(std::uint64_t bits, int value) {
  return ((bits >> static_cast<unsigned>(value)) & 1U) != 0;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const std::size_t length = std::min(text.find_first_of(" \t\n\v\f\r"), text.size());
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

// The zone named at the start (TZ= or CRON_TZ=), taken from `text`; `local` if there is none.
Result<Zone> take_zone(std::string_view& text, const Zone& local) {
  if (!text.starts_with("TZ=") && !text.starts_with("CRON_TZ=")) return local;
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) {
    // robfig/cron panics here.
    return Error(Code::InvalidArgument, "expected exactly 5 fields, found 0: []");
  }
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(equals + 1, blank - equals - 1);
  auto zone = Zone::find(name);
  if (!zone) {
    return Error(Code::InvalidArgument, "provided bad location {}: {}", name,
                 zone.error().message())
        .with_hint(zone.error().hint());
  }
  text = trim(text.substr(blank));
  return *zone;
}

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view expression, const Zone& local) {
  if (expression.empty()) return Error(Code::InvalidArgument, "empty spec string");
  std::string_view rest = expression;
  const Zone zone = TRY(take_zone(rest, local));
  if (rest.starts_with('@')) return parse_descriptor(rest, zone);
  const std::vector<std::string_view> words = words_of(rest);
  if (words.size() != 5) {
    return Error(Code::InvalidArgument, "expected exactly 5 fields, found {}: [{}]", words.size(),
                 join(words, " "))
        .with_hint("The fields are minute, hour, day of month, month, day of week: 0 2 * * *");
  }
  CronSchedule schedule;
  schedule.zone_ = zone;
  schedule.fields_.minute = TRY(parse_cron_field(words[0], kCronMinutes));
  schedule.fields_.hour = TRY(parse_cron_field(words[1], kCronHours));
  schedule.fields_.day = TRY(parse_cron_field(words[2], kCronDays));
  schedule.fields_.month = TRY(parse_cron_field(words[3], kCronMonths));
  schedule.fields_.weekday = TRY(parse_cron_field(words[4], kCronWeekdays));
  return schedule;
}

Result<CronSchedule> CronSchedule::parse_descriptor(std::string_view text, const Zone& zone) {
  constexpr std::string_view kEvery = "@every ";
  if (text.starts_with(kEvery)) {
    auto every = parse_go_duration(text.substr(kEvery.size()));
    if (!every) {
      return Error(Code::InvalidArgument, "failed to parse duration {}: {}", text,
                   every.error().message());
    }
    CronSchedule schedule;
    // Whole seconds, and one at least.
    schedule.every_ = std::max<Duration>(seconds(1), *every - *every % seconds(1));
    return schedule;
  }
  constexpr std::pair<std::string_view, std::string_view> kDescriptors[] = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
      {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
      {"@hourly", "0 * * * *"}};
  for (const auto& [name, fields] : kDescriptors) {
    if (text == name) return parse(fields, zone);
  }
  return Error(Code::InvalidArgument, "unrecognized descriptor: {}", text)
      .with_hint("Use @yearly, @monthly, @weekly, @daily, @hourly or @every 1h30m.");
}

bool CronSchedule::fits_day(const CivilTime& t) const {
  const bool day = has(fields_.day, t.day);
  const bool weekday = has(fields_.weekday, t.weekday);
  const bool one_is_free = ((fields_.day | fields_.weekday) & kCronStar) != 0;
  return one_is_free ? day && weekday : day || weekday;
}

// Looks for the next time field by field, from the month down. Whenever a field overflows into the
// one above it, it starts over. Days and months advance on the calendar, hours and minutes on the
// clock, so that a change to or from summer time gives what robfig/cron gives.
class CronSearch {
 public:
  CronSearch(const CronSchedule& schedule, TimePoint start)
      : schedule_(schedule), t_(start), year_limit_(civil().year + kYearsToLook) {}

  std::optional<TimePoint> find() {
    for (;;) {
      if (civil().year > year_limit_) return std::nullopt;
      if (find_month() && find_day() && find_hour() && find_minute() && find_second()) return t_;
    }
  }

 private:
  CivilTime civil() const { return schedule_.zone_.to_civil(t_); }

  // At the first advance the smaller fields are set to their beginnings.
  void begin_at(CivilTime c) {
    if (added_) return;
    added_ = true;
    c.second = 0;
    c.nanosecond = 0;
    t_ = schedule_.zone_.to_time(c);
  }

  // Each of these is false if it wrapped around into the field above.
  bool find_month() {
    for (CivilTime c = civil(); !has(schedule_.fields_.month, c.month); c = civil()) {
      begin_at({.year = c.year, .month = c.month, .day = 1});
      CivilTime next = civil();
      ++next.month;
      t_ = schedule_.zone_.to_time(next);
      if (civil().month == 1) return false;
    }
    return true;
  }

  bool find_day() {
    for (CivilTime c = civil(); !schedule_.fits_day(c); c = civil()) {
      begin_at({.year = c.year, .month = c.month, .day = c.day});
      const TimePoint before = t_;
      CivilTime next = civil();
      ++next.day;
      t_ = schedule_.zone_.to_time(next);
      // Where summer time begins at midnight, that day has none.
      if (const int hour = civil().hour; hour != 0) t_ += hours(hour > 12 ? 24 - hour : -hour);
      // A zone that moved across the date line has no such day at all (Samoa, 30 December 2011),
      // and robfig/cron looks for it for ever.
      if (t_ <= before) t_ = before + hours(24);
      if (civil().day == 1) return false;
    }
    return true;
  }

  bool find_hour() {
    for (CivilTime c = civil(); !has(schedule_.fields_.hour, c.hour); c = civil()) {
      begin_at({.year = c.year, .month = c.month, .day = c.day, .hour = c.hour});
      t_ += hours(1);
      if (civil().hour == 0) return false;
    }
    return true;
  }

  bool find_minute() {
    for (CivilTime c = civil(); !has(schedule_.fields_.minute, c.minute); c = civil()) {
      if (!added_) t_ = std::chrono::floor<minutes>(t_);
      added_ = true;
      t_ += minutes(1);
      if (civil().minute == 0) return false;
    }
    return true;
  }

  bool find_second() {
    while (civil().second != 0) {
      added_ = true;
      t_ += seconds(1);
      if (civil().second == 0) return false;
    }
    return true;
  }

  const CronSchedule& schedule_;
  TimePoint t_;
  const int year_limit_;
  bool added_ = false;
};

std::optional<TimePoint> CronSchedule::next(TimePoint after) const {
  const auto second = std::chrono::floor<seconds>(after);
  if (every_ != Duration::zero()) return TimePoint(second) + every_;
  // A field of nothing but commas fits nothing, and looking for it minute by minute would take
  // long.
  if (fields_.minute == 0 || fields_.hour == 0 || fields_.month == 0) return std::nullopt;
  return CronSearch(*this, TimePoint(second + seconds(1))).find();
}

}  // namespace lateen
