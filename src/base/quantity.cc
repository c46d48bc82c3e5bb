#include "base/quantity.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/quantity_text.h"

namespace lateen {

namespace {

// Nine quintillion units in billionths take 93 bits.
__extension__ using Int128 = __int128;

constexpr std::int64_t kNano = 1'000'000'000;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

Int128 nanos_of(std::int64_t whole, std::int32_t nano) {
  return Int128{whole} * kNano + nano;
}

Int128 capped(Int128 nanos) {
  constexpr Int128 kCap = Int128{kMost} * kNano;
  return std::clamp(nanos, -kCap, kCap);
}

// Digits as billionths; more than the cap gives the cap.
Int128 nanos_of_digits(std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.size() > 30) return capped(Int128{kMost} * kNano);
  Int128 value = 0;
  for (const char c : digits)
    value = value * 10 + (c - '0');
  return capped(value);
}

std::string text_of(Int128 value) {
  std::string digits;
  const bool negative = value < 0;
  Int128 rest = negative ? -value : value;
  do {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// `mantissa` of ten to the -9 with as few digits as it takes, and an exponent in steps of three.
std::string format_decimal(Int128 mantissa, Quantity::Format format) {
  int exponent = -9;
  while (mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  while (exponent % 3 != 0) {
    mantissa *= 10;
    --exponent;
  }
  if (exponent == 0) return text_of(mantissa);
  if (format == Quantity::Format::DecimalExponent) {
    return fmt::format("{}e{}", text_of(mantissa), exponent);
  }
  constexpr std::string_view kSuffixes = "num kMGTPE";
  const int step = exponent / 3 + 3;
  return text_of(mantissa) + kSuffixes[static_cast<std::size_t>(step)];
}

std::string format_binary(std::int64_t value) {
  constexpr std::string_view kSuffixes = " KMGTPE";
  std::size_t step = 0;
  for (; value % 1024 == 0; value /= 1024)
    ++step;
  if (step == 0) return std::to_string(value);
  return fmt::format("{}{}i", value, kSuffixes[step]);
}

std::int64_t rounded_away(Int128 nanos, std::int64_t unit) {
  Int128 units = nanos / unit;
  if (nanos % unit != 0) units += nanos < 0 ? -1 : 1;
  return static_cast<std::int64_t>(std::clamp(units, -Int128{kMost}, Int128{kMost}));
}

}  // namespace

Quantity Quantity::from(std::int64_t value, Format format) {
  Quantity q;
  q.whole_ = std::max(value, -kMost);
  q.format_ = format;
  return q;
}

Result<Quantity> Quantity::parse(std::string_view text) {
  const QuantityText parts = TRY(split_quantity(text));
  const Int128 magnitude = nanos_of_digits(quantity_nano_digits(parts));
  const Int128 nanos = parts.negative ? -magnitude : magnitude;
  Quantity q;
  q.nano_ = static_cast<std::int32_t>((nanos % kNano + kNano) % kNano);
  q.whole_ = static_cast<std::int64_t>((nanos - q.nano_) / kNano);
  q.format_ = parts.format;
  const bool small = magnitude > 0 && magnitude < kNano;
  if (q.format_ == Format::BinarySI && small) q.format_ = Format::DecimalSI;
  if (parts.canonical) q.canonical_text_ = text;
  return q;
}

std::string Quantity::format() const {
  if (!canonical_text_.empty()) return canonical_text_;
  if (is_zero()) return "0";
  const bool binary =
      format_ == Format::BinarySI && nano_ == 0 && (whole_ <= -1024 || whole_ >= 1024);
  if (binary) return format_binary(whole_);
  return format_decimal(nanos_of(whole_, nano_), format_);
}

std::int64_t Quantity::value() const {
  return rounded_away(nanos_of(whole_, nano_), kNano);
}

std::int64_t Quantity::milli_value() const {
  return rounded_away(nanos_of(whole_, nano_), kNano / 1000);
}

double Quantity::as_double() const {
  return static_cast<double>(whole_) + static_cast<double>(nano_) / static_cast<double>(kNano);
}

Quantity Quantity::operator+(const Quantity& other) const {
  const Int128 nanos = capped(nanos_of(whole_, nano_) + nanos_of(other.whole_, other.nano_));
  Quantity sum;
  sum.nano_ = static_cast<std::int32_t>((nanos % kNano + kNano) % kNano);
  sum.whole_ = static_cast<std::int64_t>((nanos - sum.nano_) / kNano);
  sum.format_ = is_zero() ? other.format_ : format_;
  return sum;
}

Quantity Quantity::operator-(const Quantity& other) const {
  const Int128 nanos = -nanos_of(other.whole_, other.nano_);
  Quantity negated;
  negated.nano_ = static_cast<std::int32_t>((nanos % kNano + kNano) % kNano);
  negated.whole_ = static_cast<std::int64_t>((nanos - negated.nano_) / kNano);
  negated.format_ = other.format_;
  return *this + negated;
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  if (const auto order = whole_ <=> other.whole_; order != 0) return order;
  return nano_ <=> other.nano_;
}

}  // namespace lateen
