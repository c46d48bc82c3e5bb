// Kubernetes' resource quantities: "500m", "1.5Gi", "1e3", "100Ki".
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen {

// At most 2^63 - 1 in size: larger ones become that. (Kubernetes caps only binary ones, and prints
// larger decimal ones without their suffix.) A decimal number with at most 9 digits after the point
// (more are rounded up, away from zero, as Kubernetes does) and the notation it came in. Immutable.
class Quantity {
 public:
  enum class Format { BinarySI, DecimalSI, DecimalExponent };

  Quantity() = default;  // 0
  static Quantity from(std::int64_t value, Format format = Format::DecimalSI);

  // As resource.ParseQuantity, with its error texts.
  static Result<Quantity> parse(std::string_view text);

  // The canonical form: no fraction, the largest suffix that allows it. "1.5Gi" is "1536Mi". A text
  // that Kubernetes takes for canonical already is given back as it came ("+1", "1.500").
  std::string format() const;

  // Rounded up to a whole number; to whole thousandths. Capped at the ends of int64.
  std::int64_t value() const;
  std::int64_t milli_value() const;
  double as_double() const;

  Format notation() const { return format_; }

  bool is_zero() const { return whole_ == 0 && nano_ == 0; }

  // Keeps the notation of the left one (of the right one, if the left is zero). Capped at the ends.
  Quantity operator+(const Quantity& other) const;
  Quantity operator-(const Quantity& other) const;

  // By value: 1000m equals 1.
  std::strong_ordering operator<=>(const Quantity& other) const;

  bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }

 private:
  // whole_ + nano_ / 10^9, where 0 <= nano_ < 10^9 and |whole_| <= 2^63 - 1.
  std::int64_t whole_ = 0;
  std::int32_t nano_ = 0;
  Format format_ = Format::DecimalSI;
  std::string canonical_text_;  // empty unless it was parsed from one
};

}  // namespace lateen
