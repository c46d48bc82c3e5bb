#include "base/quantity_text.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace lateen {

namespace {

// Beyond this many digits in billionths every quantity is capped.
constexpr std::int64_t kEnoughDigits = 40;

// An exponent as good as infinite.
constexpr std::int64_t kFarExponent = 1'000'000'000;

Error format_error() {
  return {Code::InvalidArgument, "quantities must match the regular expression '{}'",
          "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"};
}

Error suffix_error() {
  return {Code::InvalidArgument, "unable to parse quantity's suffix"};
}

Error numeric_error() {
  return {Code::InvalidArgument, "unable to parse numeric part of quantity"};
}

std::string_view take_while(std::string_view& text, std::string_view allowed) {
  const std::size_t length = std::min(text.find_first_not_of(allowed), text.size());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

constexpr std::string_view kDigits = "0123456789";

// What follows the number, checked only for its characters.
Result<std::string_view> take_suffix(std::string_view rest) {
  const std::string_view whole = rest;
  take_while(rest, "eEinumkKMGTP");
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  take_while(rest, kDigits);
  if (!rest.empty()) return format_error();
  return whole;
}

Status read_exponent(std::string_view text, QuantityText& parts) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (failure != std::errc() || end != text.data() + text.size()) return suffix_error();
  parts.decimal_exponent =
      static_cast<int>(std::clamp<std::int64_t>(exponent, -kFarExponent, kFarExponent));
  parts.format = Quantity::Format::DecimalExponent;
  return {};
}

Status read_suffix(std::string_view suffix, QuantityText& parts) {
  constexpr std::pair<std::string_view, int> kDecimal[] = {
      {"", 0},  {"n", -9}, {"u", -6}, {"m", -3}, {"k", 3},
      {"M", 6}, {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18}};
  constexpr std::pair<std::string_view, int> kBinary[] = {{"Ki", 10}, {"Mi", 20}, {"Gi", 30},
                                                          {"Ti", 40}, {"Pi", 50}, {"Ei", 60}};
  for (const auto& [name, exponent] : kDecimal) {
    if (suffix != name) continue;
    parts.decimal_exponent = exponent;
    return {};
  }
  for (const auto& [name, exponent] : kBinary) {
    if (suffix != name) continue;
    parts.binary_exponent = exponent;
    parts.format = Quantity::Format::BinarySI;
    return {};
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return suffix_error();
  return read_exponent(suffix.substr(1), parts);
}

// Whether Kubernetes reads the number without big decimals, which decides what else it looks at.
bool is_simple(const QuantityText& parts) {
  const auto digits = static_cast<int>(parts.digits.size());
  const auto after_point = static_cast<int>(parts.after_point);
  if (parts.format == Quantity::Format::BinarySI) {
    return after_point == 0 && 15 - digits - parts.binary_exponent * 3 / 10 - 1 >= 0;
  }
  return digits <= 18 && parts.decimal_exponent - after_point >= -9;
}

// Kubernetes keeps such texts instead of making the canonical form anew, and they are not always
// that form.
bool is_kept(const QuantityText& parts) {
  if (!is_simple(parts)) return false;
  if (parts.format == Quantity::Format::BinarySI) {
    std::uint64_t value = 0;
    std::from_chars(parts.digits.data(), parts.digits.data() + parts.digits.size(), value);
    return (value & 7U) != 0;
  }
  const int scale = parts.decimal_exponent - static_cast<int>(parts.after_point);
  return scale % 3 == 0 && !parts.digits.ends_with("000") && parts.digits[0] != '0';
}

void double_digits(std::string& digits) {
  int carry = 0;
  for (auto d = digits.rbegin(); d != digits.rend(); ++d) {
    const int doubled = (*d - '0') * 2 + carry;
    *d = static_cast<char>('0' + doubled % 10);
    carry = doubled / 10;
  }
  if (carry != 0) digits.insert(digits.begin(), '1');
}

void add_one(std::string& digits) {
  for (auto d = digits.rbegin(); d != digits.rend(); ++d) {
    if (*d != '9') {
      ++*d;
      return;
    }
    *d = '0';
  }
  digits.insert(digits.begin(), '1');
}

}  // namespace

Result<QuantityText> split_quantity(std::string_view text) {
  if (text.empty()) return format_error();
  QuantityText parts;
  std::string_view rest = text;
  parts.negative = rest.starts_with('-');
  if (parts.negative || rest.starts_with('+')) rest.remove_prefix(1);
  const std::string_view zeros = take_while(rest, "0");
  const std::string_view before = take_while(rest, kDigits);
  parts.digits = before.empty() ? "0" : std::string(before);
  std::string_view after;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    after = take_while(rest, kDigits);
  }
  parts.digits += after;
  parts.after_point = after.size();
  const std::string_view suffix = TRY(take_suffix(rest));
  TRY(read_suffix(suffix, parts));
  const bool any_digit = !zeros.empty() || !before.empty() || !after.empty();
  if (!any_digit && !is_simple(parts)) return numeric_error();
  parts.canonical = is_kept(parts);
  return parts;
}

std::string quantity_nano_digits(const QuantityText& parts) {
  std::string digits = parts.digits;
  for (int i = 0; i < parts.binary_exponent; ++i)
    double_digits(digits);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return "0";
  const std::int64_t shift =
      9 + std::int64_t{parts.decimal_exponent} - static_cast<std::int64_t>(parts.after_point);
  const auto length = static_cast<std::int64_t>(digits.size());
  if (length + shift > kEnoughDigits)
    return std::string(static_cast<std::size_t>(kEnoughDigits), '9');
  if (shift >= 0) return digits + std::string(static_cast<std::size_t>(shift), '0');
  const auto kept = static_cast<std::size_t>(std::max<std::int64_t>(0, length + shift));
  const bool exact = digits.find_first_not_of('0', kept) == std::string::npos;
  digits.resize(kept);
  if (!exact) add_one(digits);
  return digits;
}

}  // namespace lateen
