// The fixtures' test stream: xorshift64* from a seed, eight bytes a step, little-endian.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"

namespace lateen::repository::testing {

class TestStream {
 public:
  explicit TestStream(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717ULL;
  }

  Bytes take(std::size_t size) {
    Bytes out(size, '\0');
    for (std::size_t at = 0; at < size; at += 8) {
      const std::uint64_t word = next();
      std::memcpy(out.data() + at, &word, std::min<std::size_t>(8, size - at));
    }
    return out;
  }

 private:
  std::uint64_t state_;
};

inline Bytes test_bytes(std::uint64_t seed, std::size_t size) {
  return TestStream(seed).take(size);
}

}  // namespace lateen::repository::testing
