// BLAKE2b of several messages at once: one message a 64-bit lane.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lateen::repository {

inline constexpr std::size_t kBlake2bBlock = 128;
inline constexpr std::size_t kBlake2bMaxLanes = 8;

inline constexpr std::uint64_t kBlake2bIv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

inline constexpr std::uint8_t kBlake2bSigma[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

// Each lane's message, where it stands. Word w of lane l is h[w * kBlake2bMaxLanes + l].
struct alignas(64) Blake2bLanes {
  std::uint64_t h[8 * kBlake2bMaxLanes];
  std::uint64_t counter[kBlake2bMaxLanes];  // bytes before the next block
  std::uint64_t last[kBlake2bMaxLanes];     // all ones if the next block is the message's last
  std::uint64_t step[kBlake2bMaxLanes];     // what the next block adds to the counter
  const std::uint8_t* at[kBlake2bMaxLanes];
};

// `blocks` blocks of every lane; `at` and `counter` move on.
void blake2b_blocks_avx512(Blake2bLanes& lanes, std::size_t blocks);  // 8 lanes
void blake2b_blocks_avx2(Blake2bLanes& lanes, std::size_t blocks);    // the first 4
// The first 4, too, where the machine has twice the registers and can rotate.
void blake2b_four_avx512(Blake2bLanes& lanes, std::size_t blocks);

// One block of one message.
void blake2b_block(std::uint64_t h[8],
                   const std::uint8_t* block,
                   std::uint64_t counter,
                   std::uint64_t last);

}  // namespace lateen::repository
