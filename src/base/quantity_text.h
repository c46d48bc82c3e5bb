// The texts of quantities: their parts, and what these stand for in billionths. Used by
// quantity.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/quantity.h"
#include "base/result.h"

namespace lateen {

// "-1.50Gi" is 1, 50, times 2^30, negative.
struct QuantityText {
  bool negative = false;
  std::string digits;           // before the point, then after it
  std::size_t after_point = 0;  // how many of `digits` stand after it
  int binary_exponent = 0;
  int decimal_exponent = 0;
  Quantity::Format format = Quantity::Format::DecimalSI;
  bool canonical = false;  // Kubernetes would keep the text as it is
};

// InvalidArgument in Kubernetes' words.
Result<QuantityText> split_quantity(std::string_view text);

// The magnitude in billionths, rounded up, as a whole decimal number; of one that is far too large,
// just more digits than fit.
std::string quantity_nano_digits(const QuantityText& parts);

}  // namespace lateen
