// BUZHASH, one step at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "repository/chunker/buzhash_table.h"
#include "repository/chunker/stripes.h"

namespace lateen::repository {

struct BuzhashRoll {
  using State = std::uint32_t;

  std::uint32_t mask;

  static State start(const std::uint8_t* window) {
    State state = 0;
    for (std::size_t i = 0; i < kChunkerWindow; ++i) {
      state = std::rotl(state, 1) ^ kBuzhashTable[window[i]];
    }
    return state;
  }

  // The window is twice 32 bytes: the leaving byte has been turned all the way round.
  static State next(State state, std::uint8_t leaving, std::uint8_t entering) {
    return std::rotl(state, 1) ^ kBuzhashTable[leaving] ^ kBuzhashTable[entering];
  }

  bool ends(State state) const { return (state & mask) == 0; }
};

}  // namespace lateen::repository
