// The name of everything in a restic repository: a SHA-256, printed as 64 lower-case hex digits.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::repository::restic {

// Immutable values, compared as bytes.
struct Id {
  static constexpr std::size_t kSize = 32;
  std::array<std::uint8_t, kSize> bytes = {};

  auto operator<=>(const Id&) const = default;

  bool is_null() const { return *this == Id{}; }

  BytesView view() const { return {reinterpret_cast<const char*>(bytes.data()), kSize}; }

  std::string hex() const;
  // The first eight digits, as people know it.
  std::string short_hex() const;

  // 32 raw bytes; `raw` must have them.
  static Id from_raw(BytesView raw);
  // The name of these bytes.
  static Id of(BytesView bytes);
};

// InvalidArgument unless it is 64 hex digits.
Result<Id> parse_id(std::string_view text);
// Whether a file of this name belongs to the repository: others are passed over in listings.
bool is_id(std::string_view text);

struct IdHash {
  std::size_t operator()(const Id& id) const {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};

// What a blob holds.
enum class BlobType : std::uint8_t { Data = 0, Tree = 1 };

inline std::string_view to_string(BlobType type) {
  return type == BlobType::Data ? "data" : "tree";
}

}  // namespace lateen::repository::restic
