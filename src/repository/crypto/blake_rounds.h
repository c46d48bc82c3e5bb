// The mixing that BLAKE2b, BLAKE2s and BLAKE3 share: rounds over sixteen words, columns and then
// diagonals, each with its own order of the message.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace lateen::repository {

// By how many bits a word is turned in each of a mixing's four steps.
using BlakeTurns = std::array<int, 4>;
inline constexpr BlakeTurns kBlakeTurns32 = {16, 12, 8, 7};
inline constexpr BlakeTurns kBlakeTurns64 = {32, 24, 16, 63};

// Unrolled, so that the orders become part of the code.
template <BlakeTurns Turns, typename Word, std::size_t Rounds>
[[gnu::always_inline]] inline void blake_rounds(Word v[16],
                                                const Word m[16],
                                                const std::uint8_t (&schedule)[Rounds][16]) {
  const auto mix = [v](std::size_t a, std::size_t b, std::size_t c, std::size_t d, Word x, Word y)
                       __attribute__((always_inline)) {
                         v[a] += v[b] + x;
                         v[d] = std::rotr(v[d] ^ v[a], Turns[0]);
                         v[c] += v[d];
                         v[b] = std::rotr(v[b] ^ v[c], Turns[1]);
                         v[a] += v[b] + y;
                         v[d] = std::rotr(v[d] ^ v[a], Turns[2]);
                         v[c] += v[d];
                         v[b] = std::rotr(v[b] ^ v[c], Turns[3]);
                       };
#pragma GCC unroll 12
  for (std::size_t r = 0; r < Rounds; ++r) {
    const std::uint8_t* s = schedule[r];
    mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
    mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
    mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
    mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
    mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
    mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
    mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
    mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
}

}  // namespace lateen::repository
