#include "base/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

namespace lateen {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::optional<YamlScalar> resolve_word(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return YamlScalar{YamlKind::Null, nullptr};
  if (one_of(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    return YamlScalar{YamlKind::Bool, true};
  }
  if (one_of(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return YamlScalar{YamlKind::Bool, false};
  }
  if (one_of(text, {".nan", ".NaN", ".NAN"})) {
    return YamlScalar{YamlKind::Float, std::numeric_limits<double>::quiet_NaN()};
  }
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    return YamlScalar{YamlKind::Float, kInfinity};
  }
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return YamlScalar{YamlKind::Float, -kInfinity};
  return std::nullopt;
}

// The base that a prefix states, as Go's ParseInt with base 0; the prefix is taken off.
int take_base(std::string_view& digits) {
  if (digits.size() < 2 || digits.front() != '0') return 10;
  const char mark = static_cast<char>(digits[1] | 0x20);
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (base != 0 && digits.size() > 2) {
    digits.remove_prefix(2);
    return base;
  }
  digits.remove_prefix(1);
  return 8;
}

std::optional<Json> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool has_sign = negative || text.starts_with('+');
  std::string_view digits = has_sign ? text.substr(1) : text;
  const int base = take_base(digits);
  std::uint64_t magnitude = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, failed] = std::from_chars(digits.data(), last, magnitude, base);
  if (failed != std::errc() || end != last || digits.empty()) return std::nullopt;
  constexpr std::uint64_t kLimit = 1ULL << 63;
  if (negative) {
    if (magnitude > kLimit) return std::nullopt;
    return Json(static_cast<std::int64_t>(0 - magnitude));
  }
  if (magnitude < kLimit) return Json(static_cast<std::int64_t>(magnitude));
  if (has_sign) return std::nullopt;
  return Json(magnitude);
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool is_float_text(std::string_view text) {
  const auto take_digits = [&text] {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n]))
      ++n;
    text.remove_prefix(n);
    return n;
  };
  const auto take_sign = [&text] {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  };
  take_sign();
  const std::size_t whole = take_digits();
  std::size_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits();
  }
  if (whole == 0 && fraction == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  take_sign();
  return take_digits() > 0 && text.empty();
}

std::optional<Json> parse_float(std::string_view text) {
  if (!is_float_text(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc::result_out_of_range) {
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (!std::isfinite(value)) return std::nullopt;  // too large for a number: it stays text
  }
  return Json(value);
}

// Go's ParseFloat passes over an underscore between two digits; elsewhere it is left, and is no
// number then.
std::string without_separators(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool between = text[i] == '_' && i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) &&
                         is_digit(text[i + 1]);
    if (!between) out += text[i];
  }
  return out;
}

YamlScalar resolve_number(std::string_view text) {
  if (is_yaml_timestamp(text)) return {YamlKind::Timestamp, nullptr};
  std::string plain(text);
  std::erase(plain, '_');
  if (auto integer = parse_integer(plain)) return {YamlKind::Int, std::move(*integer)};
  if (auto number = parse_float(plain)) return {YamlKind::Float, std::move(*number)};
  return {YamlKind::Text, nullptr};
}

// A number of one or two digits (as many as there are up to two), as Go's time.Parse takes them.
bool take_number(std::string_view& text, int low, int high) {
  std::size_t n = 0;
  int value = 0;
  while (n < 2 && n < text.size() && is_digit(text[n]))
    value = value * 10 + (text[n++] - '0');
  text.remove_prefix(n);
  return n > 0 && value >= low && value <= high;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_time(std::string_view& text) {
  if (!take_number(text, 0, 23) || !take(text, ':') || !take_number(text, 0, 59) ||
      !take(text, ':') || !take_number(text, 0, 59)) {
    return false;
  }
  if (text.size() >= 2 && (text[0] == '.' || text[0] == ',') && is_digit(text[1])) {
    text.remove_prefix(1);
    while (!text.empty() && is_digit(text.front()))
      text.remove_prefix(1);
  }
  return true;
}

bool is_zone(std::string_view text) {
  if (text == "Z") return true;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
  std::string_view hours = text.substr(1, 2);
  std::string_view minutes = text.substr(4, 2);
  return take_number(hours, 0, 24) && hours.empty() && take_number(minutes, 0, 60) &&
         minutes.empty();
}

bool take_date(std::string_view& text) {
  const int year =
      (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
  text.remove_prefix(5);
  const std::string_view month_text = text;
  if (!take_number(text, 1, 12)) return false;
  int month = 0;
  std::from_chars(month_text.data(), text.data(), month);
  const auto last = std::chrono::year_month_day_last(
      std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
      std::chrono::last);
  return take(text, '-') &&
         take_number(text, 1, static_cast<int>(static_cast<unsigned>(last.day())));
}

// Shortest digits, with an exponent below 1e-4 and from 1e6 on.
template <typename Real>
std::string format_shortest(Real value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  std::array<char, 64> buffer;
  const auto convert = [&](std::chars_format format) {
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
    return std::string(buffer.data(), end);
  };
  const auto magnitude = std::abs(value);
  // The exponent decides; shortest digits never round up to the next power of ten.
  const bool plain = value == 0 || (magnitude >= static_cast<Real>(1e-4L) && magnitude < Real{1e6});
  return convert(plain ? std::chars_format::fixed : std::chars_format::scientific);
}

}  // namespace

bool is_yaml_timestamp(std::string_view text) {
  if (text.size() < 8 || !std::ranges::all_of(text.substr(0, 4), is_digit) || text[4] != '-')
    return false;
  std::string_view rest = text;
  if (!take_date(rest)) return false;
  if (rest.empty()) return true;
  if (take(rest, 'T') || take(rest, 't')) return take_time(rest) && is_zone(rest);
  if (!rest.starts_with(' ')) return false;
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return take_time(rest) && rest.empty();
}

bool is_base60_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return false;
  const auto take_digits = [&text] {
    while (!text.empty() && (is_digit(text.front()) || text.front() == '_'))
      text.remove_prefix(1);
  };
  take_digits();
  bool has_parts = false;
  while (take(text, ':')) {
    if (!take_number(text, 0, 59)) return false;
    has_parts = true;
  }
  if (has_parts && take(text, '.')) take_digits();
  return has_parts && text.empty();
}

YamlScalar resolve_yaml_scalar(std::string_view text) {
  const char first = text.empty() ? '~' : text.front();
  if (is_digit(first) || std::string_view("+-.~yYnNtTfFoO").find(first) != std::string_view::npos) {
    if (auto word = resolve_word(text)) return std::move(*word);
  }
  if (is_digit(first) || first == '+' || first == '-') return resolve_number(text);
  if (first == '.') {
    if (auto number = parse_float(without_separators(text))) {
      return {YamlKind::Float, std::move(*number)};
    }
  }
  return {YamlKind::Text, nullptr};
}

std::string format_yaml_double(double value) {
  return format_shortest(value);
}

std::string format_yaml_float(float value) {
  return format_shortest(value);
}

}  // namespace lateen
