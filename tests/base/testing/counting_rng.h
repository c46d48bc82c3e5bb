// Random bytes that are known beforehand: 0, 1, 2, ...
#pragma once

#include <atomic>
#include <cstdint>

#include "base/random.h"

namespace lateen {

// Thread-safe.
class CountingRng final : public Rng {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out)
      b = static_cast<std::byte>(next_++);
  }

 private:
  std::atomic<std::uint8_t> next_{0};
};

}  // namespace lateen
