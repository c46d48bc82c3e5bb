// Randomness comes in as an argument, so that tests can know it. Whatever must be secret or unique
// takes SystemRng.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lateen {

// Thread-safe, as all implementations must be.
class Rng {
 public:
  Rng() = default;
  Rng(const Rng&) = delete;
  Rng& operator=(const Rng&) = delete;
  virtual ~Rng() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

// The kernel's. Thread-safe.
class SystemRng final : public Rng {
 public:
  void fill(std::span<std::byte> out) override;
};

std::uint64_t random_u64(Rng& rng);

// Even over [0, bound); bound must not be 0.
std::uint64_t random_below(Rng& rng, std::uint64_t bound);

// "6ba7b810-9dad-41d1-80b4-00c04fd430c8": version 4.
std::string uuid4(Rng& rng);

// As the API server ends a generateName: `length` of bcdfghjklmnpqrstvwxz2456789.
std::string random_suffix(Rng& rng, std::size_t length = 5);

}  // namespace lateen
