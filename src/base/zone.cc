#include "base/zone.h"

#include <fmt/format.h>

// Debian's library reads the system's tzdata, and says so only in its CMake file, which not every
// build sees.
#ifndef USE_OS_TZDB
#define USE_OS_TZDB 1
#endif
#include <exception>

#include <date/tz.h>

#include "base/environment.h"
#include "base/text.h"

namespace lateen {

namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

date::sys_seconds at(std::int64_t unix_seconds) {
  return date::sys_seconds(std::chrono::seconds(unix_seconds));
}

// Days since 1970 of a date whose month and day may be out of range.
std::int64_t days_of(int year, int month, int day) {
  const int months = month - 1;
  const int carry = months >= 0 ? months / 12 : -((11 - months) / 12);
  const auto first = std::chrono::year(year + carry) /
                     std::chrono::month(static_cast<unsigned>(months - carry * 12 + 1)) / 1;
  return std::chrono::sys_days(first).time_since_epoch().count() + day - 1;
}

std::int64_t floor_seconds(TimePoint t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

Error unknown_zone(std::string_view name) {
  return Error(Code::InvalidArgument, "unknown time zone {}", name)
      .with_hint("Use a name such as Europe/Berlin; the machine needs its tzdata package.");
}

}  // namespace

// The stretch of time around an instant with one offset: [begin, end).
struct Zone::Span {
  std::int64_t begin;
  std::int64_t end;
  std::int64_t offset;
};

Result<Zone> Zone::find(std::string_view name) {
  if (name.empty() || name == "UTC") return Zone();
  if (name == "Local") return local();
  // As Go: a name is looked up in the database, never as a path outside of it.
  const bool path = name.starts_with('/') || name.find("..") != std::string_view::npos ||
                    name.find('\\') != std::string_view::npos;
  if (path) return Error(Code::InvalidArgument, "time: invalid location name");
  try {
    return Zone(date::locate_zone(std::string(name)));
  } catch (const std::exception&) {
    return unknown_zone(name);
  }
}

Zone Zone::local() {
  if (const auto tz = env("TZ")) {
    std::string_view name = *tz;
    if (name.starts_with(':')) name.remove_prefix(1);
    if (name == "Local") return {};
    return find(name).value_or(Zone());
  }
  try {
    return Zone(date::current_zone());
  } catch (const std::exception&) {
    return {};  // no /etc/localtime, as in most containers
  }
}

std::string_view Zone::name() const {
  return zone_ == nullptr ? std::string_view("UTC") : std::string_view(zone_->name());
}

Zone::Span Zone::span_at(std::int64_t unix_seconds) const {
  const date::sys_info info = zone_->get_info(at(unix_seconds));
  return {.begin = info.begin.time_since_epoch().count(),
          .end = info.end.time_since_epoch().count(),
          .offset = info.offset.count()};
}

CivilTime Zone::to_civil(TimePoint t) const {
  const std::int64_t unix_seconds = floor_seconds(t);
  const std::int64_t wall = unix_seconds + (zone_ == nullptr ? 0 : span_at(unix_seconds).offset);
  const auto point = std::chrono::sys_seconds(std::chrono::seconds(wall));
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<std::chrono::seconds> time(point - day);
  const auto nanos = t - std::chrono::floor<std::chrono::seconds>(t);
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<int>(static_cast<unsigned>(date.month())),
          .day = static_cast<int>(static_cast<unsigned>(date.day())),
          .hour = static_cast<int>(time.hours().count()),
          .minute = static_cast<int>(time.minutes().count()),
          .second = static_cast<int>(time.seconds().count()),
          .nanosecond = static_cast<int>(nanos.count()),
          .weekday = static_cast<int>(std::chrono::weekday(day).c_encoding())};
}

TimePoint Zone::to_time(const CivilTime& civil) const {
  std::int64_t seconds = days_of(civil.year, civil.month, civil.day) * kSecondsPerDay +
                         civil.hour * std::int64_t{3600} + civil.minute * std::int64_t{60} +
                         civil.second;
  if (zone_ != nullptr) {
    // Go's own steps: take the offset that holds at the wall time read as UTC; if the instant that
    // this gives lies beyond a change of offset, take the offset that holds there.
    const Span span = span_at(seconds);
    const std::int64_t instant = seconds - span.offset;
    const bool inside = instant >= span.begin && instant < span.end;
    seconds -= inside ? span.offset : span_at(instant).offset;
  }
  return TimePoint(std::chrono::seconds(seconds)) + Duration(civil.nanosecond);
}

Zone::Offset Zone::offset_at(TimePoint t) const {
  if (zone_ == nullptr) return {.seconds = 0, .abbreviation = "UTC"};
  const date::sys_info info = zone_->get_info(at(floor_seconds(t)));
  return {.seconds = info.offset.count(), .abbreviation = info.abbrev};
}

std::string format_go_time(TimePoint t, const Zone& zone) {
  const CivilTime c = zone.to_civil(t);
  const Zone::Offset offset = zone.offset_at(t);
  std::string fraction;
  if (c.nanosecond != 0) {
    fraction = fmt::format(".{:09}", c.nanosecond);
    fraction.erase(fraction.find_last_not_of('0') + 1);
  }
  const std::int64_t minutes = std::abs(offset.seconds) / 60;
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} {}{:02}{:02} {}", c.year, c.month,
                     c.day, c.hour, c.minute, c.second, fraction, offset.seconds < 0 ? '-' : '+',
                     minutes / 60, minutes % 60, offset.abbreviation);
}

}  // namespace lateen
