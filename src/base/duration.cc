#include "base/duration.h"

#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/utf8.h"

namespace lateen {

namespace {

constexpr std::uint64_t kMicrosecond = 1'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;

// In hours.
constexpr std::int64_t kDay = 24;
constexpr std::int64_t kYear = 365 * kDay;

// The magnitude of the most negative duration.
constexpr std::uint64_t kLimit = std::uint64_t{1} << 63U;

// As Go's time package quotes in its errors: every byte of what isn't plain ASCII as \x.
std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Utf8Char next = decode_utf8(text);
    const std::string_view bytes = text.substr(0, next.length);
    const bool escaped = next.value < ' ' || next.value >= 0x80 || !next.valid;
    for (const char c : bytes) {
      if (escaped) {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
      } else {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
    }
    text.remove_prefix(next.length);
  }
  return out + "\"";
}

Error invalid(std::string_view whole) {
  return {Code::InvalidArgument, "time: invalid duration {}", quote(whole)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Leading digits as a number; nothing if they exceed 2^63.
std::optional<std::uint64_t> take_digits(std::string_view& text) {
  std::uint64_t value = 0;
  while (!text.empty() && is_digit(text.front())) {
    if (value > kLimit / 10) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    if (value > kLimit) return std::nullopt;
    text.remove_prefix(1);
  }
  return value;
}

// Digits after the point: value / scale. What no longer fits is dropped, as Go does.
struct Fraction {
  std::uint64_t value = 0;
  double scale = 1;
};

Fraction take_fraction(std::string_view& text) {
  Fraction f;
  bool overflow = false;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    if (overflow) continue;
    if (f.value > (kLimit - 1) / 10) {
      overflow = true;
      continue;
    }
    const std::uint64_t next = f.value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    if (next > kLimit) {
      overflow = true;
      continue;
    }
    f.value = next;
    f.scale *= 10;
  }
  return f;
}

std::optional<std::uint64_t> unit_of(std::string_view word) {
  if (word == "ns") return 1;
  if (word == "us" || word == "\xc2\xb5s" || word == "\xce\xbcs") return kMicrosecond;
  if (word == "ms") return kMillisecond;
  if (word == "s") return kSecond;
  if (word == "m") return kMinute;
  if (word == "h") return kHour;
  return std::nullopt;
}

// One number with its unit, in nanoseconds.
Result<std::uint64_t> take_term(std::string_view& rest, std::string_view whole) {
  if (rest.front() != '.' && !is_digit(rest.front())) return invalid(whole);
  const std::size_t before_number = rest.size();
  const std::optional<std::uint64_t> number = take_digits(rest);
  if (!number) return invalid(whole);
  bool any_digit = rest.size() != before_number;
  Fraction fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const std::size_t before_fraction = rest.size();
    fraction = take_fraction(rest);
    any_digit = any_digit || rest.size() != before_fraction;
  }
  if (!any_digit) return invalid(whole);

  std::size_t length = 0;
  while (length < rest.size() && rest[length] != '.' && !is_digit(rest[length]))
    ++length;
  if (length == 0) {
    return Error(Code::InvalidArgument, "time: missing unit in duration {}", quote(whole));
  }
  const std::string_view word = rest.substr(0, length);
  rest.remove_prefix(length);
  const std::optional<std::uint64_t> unit = unit_of(word);
  if (!unit) {
    return Error(Code::InvalidArgument, "time: unknown unit {} in duration {}", quote(word),
                 quote(whole));
  }
  if (*number > kLimit / *unit) return invalid(whole);
  std::uint64_t value = *number * *unit;
  if (fraction.value > 0) {
    value += static_cast<std::uint64_t>(static_cast<double>(fraction.value) *
                                        (static_cast<double>(*unit) / fraction.scale));
    if (value > kLimit) return invalid(whole);
  }
  return value;
}

// `value` / `unit` without zeros at the end of the fraction.
std::string with_fraction(std::uint64_t value, std::uint64_t unit) {
  std::string out = std::to_string(value / unit);
  const std::uint64_t rest = value % unit;
  if (rest == 0) return out;
  std::string digits = std::to_string(unit + rest).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return out + "." + digits;
}

std::int64_t whole(Duration d, Duration unit) {
  return d / unit;
}

// "<n><unit>", and the rest in the smaller unit unless it is none.
std::string two_units(std::int64_t n, char unit, std::int64_t rest, char rest_unit) {
  return rest == 0 ? fmt::format("{}{}", n, unit)
                   : fmt::format("{}{}{}{}", n, unit, rest, rest_unit);
}

}  // namespace

Result<Duration> parse_go_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return Duration::zero();
  if (rest.empty()) return invalid(text);
  std::uint64_t total = 0;
  while (!rest.empty()) {
    total += TRY(take_term(rest, text));
    if (total > kLimit) return invalid(text);
  }
  if (!negative && total > kLimit - 1) return invalid(text);
  // Modular arithmetic carries the most negative value over.
  return Duration(static_cast<std::int64_t>(negative ? 0 - total : total));
}

std::string format_go_duration(Duration d) {
  if (d == Duration::zero()) return "0s";
  const bool negative = d < Duration::zero();
  const auto count = static_cast<std::uint64_t>(d.count());
  const std::uint64_t n = negative ? 0 - count : count;
  std::string out = negative ? "-" : "";
  if (n < kMicrosecond) return out + std::to_string(n) + "ns";
  if (n < kMillisecond) return out + with_fraction(n, kMicrosecond) + "\xc2\xb5s";
  if (n < kSecond) return out + with_fraction(n, kMillisecond) + "ms";
  if (n >= kHour) out += std::to_string(n / kHour) + "h";
  if (n >= kMinute) out += std::to_string(n % kHour / kMinute) + "m";
  return out + with_fraction(n % kMinute, kSecond) + "s";
}

std::string human_duration(Duration d) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  const std::int64_t s = whole(d, seconds(1));
  // Clocks differ between machines: up to two seconds in the future is now.
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 120) return fmt::format("{}s", s);
  const std::int64_t m = whole(d, minutes(1));
  if (m < 10) return two_units(m, 'm', s % 60, 's');
  if (m < 180) return fmt::format("{}m", m);
  const std::int64_t h = whole(d, hours(1));
  if (h < 8) return two_units(h, 'h', m % 60, 'm');
  if (h < 48) return fmt::format("{}h", h);
  if (h < 8 * kDay) return two_units(h / 24, 'd', h % 24, 'h');
  if (h < 2 * kYear) return fmt::format("{}d", h / 24);
  if (h < 8 * kYear) return two_units(h / 24 / 365, 'y', h / 24 % 365, 'd');
  return fmt::format("{}y", h / 24 / 365);
}

std::string short_human_duration(Duration d) {
  const std::int64_t s = whole(d, std::chrono::seconds(1));
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m", s / 60);
  const std::int64_t h = s / 3600;
  if (h < 24) return fmt::format("{}h", h);
  if (h < kYear) return fmt::format("{}d", h / 24);
  return fmt::format("{}y", h / 24 / 365);
}

}  // namespace lateen
