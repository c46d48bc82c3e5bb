// Time zones: the only door to the date library's tz part. Needs the system's tzdata for anything
// but UTC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace date {
class time_zone;
}

namespace lateen {

// A calendar date and time of day as a wall clock shows it. `weekday` counts from Sunday = 0.
struct CivilTime {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int nanosecond = 0;
  int weekday = 4;

  bool operator==(const CivilTime&) const = default;
};

// Immutable.
class Zone {
 public:
  // UTC.
  Zone() = default;

  // By IANA name; "" and "UTC" are UTC, "Local" is local(). InvalidArgument, with Go's words, if
  // unknown.
  static Result<Zone> find(std::string_view name);

  // $TZ, else the machine's own, else UTC.
  static Zone local();

  std::string_view name() const;

  CivilTime to_civil(TimePoint t) const;

  // As Go's time.Date: fields out of range carry over (month 13 is January, day 0 the last day
  // before); a wall time that a change of offset skips or repeats gives the instant that Go gives.
  TimePoint to_time(const CivilTime& civil) const;

  // Seconds east of UTC, and what people call the time then: 3600 and "CET".
  struct Offset {
    std::int64_t seconds;
    std::string abbreviation;
  };

  Offset offset_at(TimePoint t) const;

 private:
  struct Span;

  explicit Zone(const date::time_zone* zone) : zone_(zone) {}

  Span span_at(std::int64_t unix_seconds) const;

  const date::time_zone* zone_ =
      nullptr;  // null: UTC; otherwise in the library's database, which is never reloaded
};

// Go's Time.String in this zone: "2026-11-22 11:09:21 +0100 CET".
std::string format_go_time(TimePoint t, const Zone& zone);

}  // namespace lateen
