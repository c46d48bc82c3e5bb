#include "base/utf8.h"

namespace lateen {

namespace {

constexpr Utf8Char kInvalid{.value = 0xfffd, .length = 1, .valid = false};

// How many bytes the lead byte announces, 0 if it can't lead; and the least value that needs so
// many.
struct Lead {
  std::size_t length;
  char32_t bits;
  char32_t least;
};

Lead read_lead(unsigned char b) {
  if (b < 0x80) return {.length = 1, .bits = b, .least = 0};
  if (b >= 0xc2 && b <= 0xdf) return {.length = 2, .bits = b & 0x1fU, .least = 0x80};
  if (b >= 0xe0 && b <= 0xef) return {.length = 3, .bits = b & 0x0fU, .least = 0x800};
  if (b >= 0xf0 && b <= 0xf4) return {.length = 4, .bits = b & 0x07U, .least = 0x10000};
  return {.length = 0, .bits = 0, .least = 0};
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  const Lead lead = read_lead(static_cast<unsigned char>(text[0]));
  if (lead.length == 0 || text.size() < lead.length) return kInvalid;
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.length; ++i) {
    const auto b = static_cast<unsigned char>(text[i]);
    if ((b & 0xc0U) != 0x80) return kInvalid;
    value = (value << 6U) | (b & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < lead.least || value > 0x10ffff || surrogate) return kInvalid;
  return {.value = value, .length = lead.length, .valid = true};
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | (c >> 6U));
    put(0x80 | (c & 0x3fU));
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12U));
    put(0x80 | ((c >> 6U) & 0x3fU));
    put(0x80 | (c & 0x3fU));
  } else {
    put(0xf0 | (c >> 18U));
    put(0x80 | ((c >> 12U) & 0x3fU));
    put(0x80 | ((c >> 6U) & 0x3fU));
    put(0x80 | (c & 0x3fU));
  }
}

}  // namespace lateen
