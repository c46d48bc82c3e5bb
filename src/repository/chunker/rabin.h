// Rabin fingerprints over GF(2): arithmetic of polynomials, and rolling with tables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "repository/chunker/stripes.h"

namespace lateen::repository {

inline constexpr int kRabinDegree = 53;

// restic-format.md section 11. Immutable once made.
struct RabinTables {
  explicit RabinTables(std::uint64_t polynomial);

  std::uint64_t out[256];
  std::uint64_t mod[256];
};

struct RabinRoll {
  using State = std::uint64_t;

  const RabinTables& tables;
  std::uint64_t mask;

  State start(const std::uint8_t* window) const {
    State state = 0;
    for (std::size_t i = 0; i < kChunkerWindow; ++i)
      state = append(state, window[i]);
    return state;
  }

  State next(State state, std::uint8_t leaving, std::uint8_t entering) const {
    return append(state ^ tables.out[leaving], entering);
  }

  bool ends(State state) const { return (state & mask) == 0; }

 private:
  State append(State state, std::uint8_t byte) const {
    return ((state << 8) | byte) ^ tables.mod[state >> (kRabinDegree - 8)];
  }
};

}  // namespace lateen::repository
