#include "repository/restic/id.h"

#include <algorithm>

#include "base/hash.h"

namespace lateen::repository::restic {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Id::hex() const {
  std::string out;
  out.reserve(2 * kSize);
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0xfU];
  }
  return out;
}

std::string Id::short_hex() const {
  return hex().substr(0, 8);
}

Id Id::from_raw(BytesView raw) {
  LATEEN_ASSERT(raw.size() == kSize, "callers have looked at the size");
  Id id;
  std::memcpy(id.bytes.data(), raw.data(), kSize);
  return id;
}

Id Id::of(BytesView bytes) {
  return from_raw(hash(HashAlgorithm::Sha256, bytes));
}

Result<Id> parse_id(std::string_view text) {
  Id id;
  if (text.size() != 2 * Id::kSize) {
    return Error(Code::InvalidArgument, "an ID has 64 hex digits, this one has {} characters",
                 text.size());
  }
  for (std::size_t i = 0; i < Id::kSize; ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Error(Code::InvalidArgument, "an ID has 64 hex digits, this one has others as well");
    }
    id.bytes.at(i) = static_cast<std::uint8_t>(high << 4 | low);
  }
  return id;
}

bool is_id(std::string_view text) {
  return text.size() == 2 * Id::kSize && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace lateen::repository::restic
