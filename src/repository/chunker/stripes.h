// Looks for candidates in several stripes of a text at once. Each step of a rolling hash waits for
// the one before; steps of different stripes do not, and fill the machine's pipelines together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lateen::repository {

inline constexpr std::size_t kChunkerWindow = 64;

// `Roll` has: a State; State start(const uint8_t* window): of 64 bytes; State next(State, leaving,
// entering); bool ends(State).
//
// The smallest length l in [from, to] whose last 64 bytes end a piece, or 0. from > 64.
template <typename Roll>
std::size_t find_in_one_stripe(const Roll& roll,
                               const std::uint8_t* data,
                               std::size_t from,
                               std::size_t to) {
  auto state = roll.start(data + from - 1 - kChunkerWindow);
  for (std::size_t l = from; l <= to; ++l) {
    state = roll.next(state, data[l - 1 - kChunkerWindow], data[l - 1]);
    if (roll.ends(state)) return l;
  }
  return 0;
}

template <std::size_t kStripes, typename Roll>
std::size_t find_in_stripes(const Roll& roll,
                            const std::uint8_t* data,
                            std::size_t from,
                            std::size_t to) {
  // Short enough to find a candidate without looking far behind it, long enough for the 64 bytes
  // that each stripe starts with not to matter.
  constexpr std::size_t kLength = 8192;
  while (to - from + 1 >= kStripes * kLength) {
    const std::uint8_t* in[kStripes];
    typename Roll::State state[kStripes];
    std::size_t first = kStripes * kLength;
    for (std::size_t k = 0; k < kStripes; ++k) {
      in[k] = data + from - 1 + k * kLength;
      state[k] = roll.start(in[k] - kChunkerWindow);
    }
    for (std::size_t i = 0; i < kLength; ++i) {
      bool any = false;
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kStripes; ++k) {
        state[k] = roll.next(state[k], *(in[k] + i - kChunkerWindow), in[k][i]);
        any |= roll.ends(state[k]);
      }
      if (any) [[unlikely]] {
        for (std::size_t k = 0; k < kStripes; ++k) {
          if (roll.ends(state[k])) first = std::min(first, k * kLength + i);
        }
        // The first stripe's candidate is before all others'.
        if (first < kLength) break;
      }
    }
    if (first < kStripes * kLength) return from + first;
    from += kStripes * kLength;
  }
  return from <= to ? find_in_one_stripe(roll, data, from, to) : 0;
}

}  // namespace lateen::repository
