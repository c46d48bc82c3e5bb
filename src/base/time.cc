#include "base/time.h"

#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"

namespace lateen {

namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Duration> time;
};

Parts parts_of(TimePoint t) {
  const auto day = floor<days>(t);
  return {.date = std::chrono::year_month_day(day),
          .time = std::chrono::hh_mm_ss<Duration>(t - day)};
}

// "2026-11-22<between>10:09:21"
std::string date_and_time(const Parts& p, char between) {
  return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", static_cast<int>(p.date.year()),
                     static_cast<unsigned>(p.date.month()), static_cast<unsigned>(p.date.day()),
                     between, p.time.hours().count(), p.time.minutes().count(),
                     p.time.seconds().count());
}

// ".5", or nothing.
std::string fraction(const Parts& p) {
  const auto nanos = p.time.subseconds().count();
  if (nanos == 0) return {};
  std::string digits = fmt::format(".{:09}", nanos);
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// `width` digits at the start of `text`, taken from it.
std::optional<int> take_number(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, width)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// Numbers of the given widths, each but the first after its separator.
template <std::size_t N>
std::optional<std::array<int, N>> take_numbers(std::string_view& text,
                                               const std::array<std::size_t, N>& widths,
                                               char separator) {
  std::array<int, N> numbers{};
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0 && !take(text, separator)) return std::nullopt;
    const std::optional<int> n = take_number(text, widths[i]);
    if (!n) return std::nullopt;
    numbers[i] = *n;
  }
  return numbers;
}

std::optional<std::int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.') && !take(text, ',')) return 0;
  std::int64_t nanos = 0;
  int digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    if (digits < 9) nanos = nanos * 10 + (text.front() - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits)
    nanos *= 10;
  return nanos;
}

std::optional<seconds> take_offset(std::string_view& text) {
  if (take(text, 'Z')) return seconds(0);
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hm = take_numbers<2>(text, {2, 2}, ':');
  if (!hm || (*hm)[0] > 24 || (*hm)[1] > 60) return std::nullopt;
  const seconds offset = std::chrono::hours((*hm)[0]) + std::chrono::minutes((*hm)[1]);
  return west ? -offset : offset;
}

TimePoint saturated(std::chrono::sys_seconds whole, std::int64_t nanos) {
  const auto least = floor<seconds>(TimePoint::min()) + seconds(1);
  const auto most = floor<seconds>(TimePoint::max()) - seconds(1);
  if (whole < least) return TimePoint::min();
  if (whole > most) return TimePoint::max();
  return TimePoint(whole) + Duration(nanos);
}

std::optional<TimePoint> read_rfc3339(std::string_view text) {
  const auto date = take_numbers<3>(text, {4, 2, 2}, '-');
  if (!date || !take(text, 'T')) return std::nullopt;
  const auto time = take_numbers<3>(text, {2, 2, 2}, ':');
  if (!time) return std::nullopt;
  const auto nanos = take_fraction(text);
  if (!nanos) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year((*date)[0]),
                                        std::chrono::month(static_cast<unsigned>((*date)[1])),
                                        std::chrono::day(static_cast<unsigned>((*date)[2]))};
  if (!day.ok() || (*time)[0] > 23 || (*time)[1] > 59 || (*time)[2] > 59) return std::nullopt;
  const auto of_day =
      std::chrono::hours((*time)[0]) + std::chrono::minutes((*time)[1]) + seconds((*time)[2]);
  return saturated(std::chrono::sys_days(day) + of_day - *offset, *nanos);
}

}  // namespace

Result<TimePoint> parse_rfc3339(std::string_view text) {
  const std::optional<TimePoint> t = read_rfc3339(text);
  if (t) return *t;
  return Error(Code::InvalidArgument, "{} is not a time such as 2026-11-22T10:09:21Z",
               quote_go(text));
}

std::string format_rfc3339(TimePoint t) {
  return date_and_time(parts_of(t), 'T') + "Z";
}

std::string format_rfc3339_micro(TimePoint t) {
  const Parts p = parts_of(t);
  return fmt::format("{}.{:06}Z", date_and_time(p, 'T'), p.time.subseconds().count() / 1000);
}

std::string format_rfc3339_nano(TimePoint t) {
  const Parts p = parts_of(t);
  return date_and_time(p, 'T') + fraction(p) + "Z";
}

std::string format_go_time(TimePoint t) {
  const Parts p = parts_of(t);
  return date_and_time(p, ' ') + fraction(p) + " +0000 UTC";
}

std::string format_timestamp_suffix(TimePoint t) {
  const Parts p = parts_of(t);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", static_cast<int>(p.date.year()),
                     static_cast<unsigned>(p.date.month()), static_cast<unsigned>(p.date.day()),
                     p.time.hours().count(), p.time.minutes().count(), p.time.seconds().count());
}

std::string human_time_from_now(TimePoint when, TimePoint now) {
  if (when >= now) return short_human_duration(when - now);
  return short_human_duration(now - when) + " ago";
}

TimePoint add_saturated(TimePoint t, Duration d) {
  if (d > Duration::zero() && t > TimePoint::max() - d) return TimePoint::max();
  if (d < Duration::zero() && t < TimePoint::min() - d) return TimePoint::min();
  return t + d;
}

}  // namespace lateen
