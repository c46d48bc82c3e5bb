// The mixing that BLAKE2s and BLAKE3 share: rounds over sixteen words, columns and then diagonals,
// each with its own order of the message.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace lateen::repository {

template <std::size_t Rounds>
void blake_rounds(std::uint32_t v[16],
                  const std::uint32_t m[16],
                  const std::uint8_t (&schedule)[Rounds][16]) {
  const auto mix = [v](std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint32_t x,
                       std::uint32_t y) {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 7);
  };
  for (const auto& s : schedule) {
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
