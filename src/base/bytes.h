// Owned and borrowed runs of bytes. Text is bytes here: what Kubernetes sends is moved about
// unread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lateen {

// std::string rather than a vector: every library that we use takes and gives it, and it moves as
// cheaply.
using Bytes = std::string;
using BytesView = std::string_view;

using ByteCount = std::uint64_t;

inline constexpr ByteCount operator""_KiB(unsigned long long n) {
  return n << 10;
}

inline constexpr ByteCount operator""_MiB(unsigned long long n) {
  return n << 20;
}

inline constexpr ByteCount operator""_GiB(unsigned long long n) {
  return n << 30;
}

}  // namespace lateen
