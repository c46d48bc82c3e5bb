#include "repository/restic/node_time.h"

#include <array>
#include <charconv>

namespace lateen::repository::restic {
namespace {

constexpr std::int64_t kDay = 86400;

struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 and back, in the proleptic Gregorian calendar: eras of 400 years that begin
// with March, so that the leap day comes last.
std::int64_t to_days(Date date) {
  const std::int64_t y = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const unsigned shifted = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * shifted + 2) / 5 + date.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

Date to_date(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const auto month = static_cast<unsigned>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = static_cast<unsigned>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

void append_digits(std::string& out, std::int64_t value, std::size_t width) {
  std::array<char, 10> digits = {};
  for (std::size_t i = width; i-- > 0;) {
    digits.at(i) = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), width);
}

Error no_time(std::string_view text) {
  return {Code::Corrupt, "\"{}\" is not a time", text.substr(0, 64)};
}

// `width` digits at `at`, and the separator after them; -1 if that is not what is there.
std::int64_t take_number(std::string_view text,
                         std::size_t& at,
                         std::size_t width,
                         char separator) {
  if (text.size() < at + width) return -1;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  at += width;
  if (separator != 0) {
    if (at >= text.size() || text[at] != separator) return -1;
    ++at;
  }
  return value;
}

// "+hh:mm" in seconds; nothing but that may be left.
Result<std::int64_t> parse_offset(std::string_view text, std::size_t at) {
  if (at >= text.size()) return no_time(text);
  const char sign = text[at++];
  if (sign == 'Z' && at == text.size()) return std::int64_t{0};
  const std::int64_t hours = take_number(text, at, 2, ':');
  const std::int64_t minutes = hours < 0 ? -1 : take_number(text, at, 2, 0);
  if ((sign != '+' && sign != '-') || minutes < 0 || at != text.size()) return no_time(text);
  const std::int64_t offset = hours * 3600 + minutes * 60;
  return sign == '+' ? offset : -offset;
}

}  // namespace

void append_time(std::string& out, NodeTime t) {
  std::int64_t days = t.seconds / kDay;
  std::int64_t second = t.seconds % kDay;
  if (second < 0) {
    second += kDay;
    --days;
  }
  Date date = to_date(days);
  if (date.year < 0) date.year = 0;
  if (date.year > 9999) date.year = 9999;
  append_digits(out, date.year, 4);
  out += '-';
  append_digits(out, date.month, 2);
  out += '-';
  append_digits(out, date.day, 2);
  out += 'T';
  append_digits(out, second / 3600, 2);
  out += ':';
  append_digits(out, second / 60 % 60, 2);
  out += ':';
  append_digits(out, second % 60, 2);
  if (t.nanoseconds != 0) {
    out += '.';
    append_digits(out, t.nanoseconds, 9);
    while (out.back() == '0')
      out.pop_back();
  }
  out += 'Z';
}

Result<NodeTime> parse_node_time(std::string_view text) {
  std::size_t at = 0;
  const std::int64_t year = take_number(text, at, 4, '-');
  const std::int64_t month = year < 0 ? -1 : take_number(text, at, 2, '-');
  const std::int64_t day = month < 0 ? -1 : take_number(text, at, 2, 'T');
  const std::int64_t hour = day < 0 ? -1 : take_number(text, at, 2, ':');
  const std::int64_t minute = hour < 0 ? -1 : take_number(text, at, 2, ':');
  const std::int64_t second = minute < 0 ? -1 : take_number(text, at, 2, 0);
  if (second < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
      second > 60) {
    return no_time(text);
  }
  std::uint32_t nanoseconds = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::uint32_t unit = 100'000'000;
    const std::size_t from = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      nanoseconds += static_cast<std::uint32_t>(text[at] - '0') * unit;
      unit /= 10;
    }
    if (at == from) return no_time(text);
  }
  const std::int64_t offset = TRY(parse_offset(text, at));
  const std::int64_t days = to_days(
      {.year = year, .month = static_cast<unsigned>(month), .day = static_cast<unsigned>(day)});
  return NodeTime{.seconds = days * kDay + hour * 3600 + minute * 60 + second - offset,
                  .nanoseconds = nanoseconds};
}

}  // namespace lateen::repository::restic
