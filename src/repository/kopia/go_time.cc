#include "repository/kopia/go_time.h"

#include <algorithm>
#include <array>

#include "base/time.h"

namespace lateen::repository::kopia {
namespace {

constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;
constexpr std::string_view kNeverText = "0001-01-01T00:00:00Z";

// `width` digits at `at`, or -1.
int digits_at(std::string_view text, std::size_t at, std::size_t width) {
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

struct Fields {
  int year, month, day, hour, minute, second;
  std::int64_t nanoseconds;
};

// "2026-11-22T10:09:21[.fraction]Z" and nothing else; false for all other forms.
bool parse_plain(std::string_view text, Fields& f) {
  if (text.size() < 20 || text.size() > 30 || text.back() != 'Z' || text[4] != '-' ||
      text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return false;
  }
  f = {.year = digits_at(text, 0, 4),
       .month = digits_at(text, 5, 2),
       .day = digits_at(text, 8, 2),
       .hour = digits_at(text, 11, 2),
       .minute = digits_at(text, 14, 2),
       .second = digits_at(text, 17, 2),
       .nanoseconds = 0};
  if (f.year < 0 || f.month < 1 || f.day < 1 || f.hour < 0 || f.minute < 0 || f.second < 0 ||
      f.hour > 23 || f.minute > 59 || f.second > 59) {
    return false;
  }
  if (text.size() == 20) return true;
  const std::size_t digits = text.size() - 21;
  if (text[19] != '.' || digits == 0) return false;
  std::int64_t value = digits_at(text, 20, digits);
  if (value < 0) return false;
  for (std::size_t i = digits; i < 9; ++i)
    value *= 10;
  f.nanoseconds = value;
  return true;
}

void append_digits(std::string& out, unsigned value, int width) {
  std::array<char, 9> digits{};
  for (int i = width; i > 0; --i) {
    digits[static_cast<std::size_t>(i - 1)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), static_cast<std::size_t>(width));
}

}  // namespace

Result<TimePoint> parse_go_time(std::string_view text) {
  Fields f{};
  if (!parse_plain(text, f)) {
    if (text.size() >= 4 && digits_at(text, 0, 4) >= 0) {
      if (digits_at(text, 0, 4) < kFirstYear) return TimePoint::min();
      if (digits_at(text, 0, 4) > kLastYear) return TimePoint::max();
    }
    auto time = parse_rfc3339(text);
    if (!time) return std::move(time.error()).with_code(Code::Corrupt);
    return *time;
  }
  if (f.year < kFirstYear) return TimePoint::min();
  if (f.year > kLastYear) return TimePoint::max();
  const std::chrono::year_month_day date(std::chrono::year(f.year),
                                         std::chrono::month(static_cast<unsigned>(f.month)),
                                         std::chrono::day(static_cast<unsigned>(f.day)));
  if (!date.ok()) return Error(Code::Corrupt, "\"{}\" is not a time", text);
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(f.hour) +
         std::chrono::minutes(f.minute) + std::chrono::seconds(f.second) +
         std::chrono::nanoseconds(f.nanoseconds);
}

void append_go_time(std::string& out, TimePoint time) {
  if (time == kNever) {
    out += kNeverText;
    return;
  }
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> clock(time - day);
  append_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_digits(out, static_cast<unsigned>(clock.hours().count()), 2);
  out += ':';
  append_digits(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out += ':';
  append_digits(out, static_cast<unsigned>(clock.seconds().count()), 2);
  if (const auto nanoseconds = clock.subseconds().count(); nanoseconds != 0) {
    out += '.';
    append_digits(out, static_cast<unsigned>(nanoseconds), 9);
    while (out.back() == '0')
      out.pop_back();
  }
  out += 'Z';
}

std::string format_go_time_json(TimePoint time) {
  std::string out;
  append_go_time(out, time);
  return out;
}

std::uint32_t index_seconds(TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
}

}  // namespace lateen::repository::kopia
