// The compression function of BLAKE3, one at a time and in lanes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lateen::repository {

inline constexpr std::size_t kBlake3Block = 64;
inline constexpr std::size_t kBlake3Chunk = 1024;

inline constexpr std::uint32_t kBlake3Iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

inline constexpr std::uint8_t kBlake3Schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

enum Blake3Flag : std::uint32_t {
  kBlake3ChunkStart = 1,
  kBlake3ChunkEnd = 2,
  kBlake3Parent = 4,
  kBlake3Root = 8,
  kBlake3Keyed = 16,
  kBlake3DeriveContext = 32,
  kBlake3DeriveMaterial = 64,
};

// Whole nodes of a tree, next to each other in memory: chunks (16 blocks each, counted from
// `counter`) or parents (one block each, counter 0). Writes the 32 bytes of each.
struct Blake3Nodes {
  const std::uint32_t* key;
  const std::uint8_t* input;
  std::size_t blocks;         // of each node: 16 or 1
  std::uint64_t counter;      // of the first node
  bool counts;                // chunks count up, parents do not
  std::uint32_t flags;        // of every block
  std::uint32_t first_flags;  // besides, of the first
  std::uint32_t last_flags;   // besides, of the last
  std::uint8_t* out;
};

void blake3_nodes_avx512(const Blake3Nodes& nodes);  // 16 nodes
void blake3_nodes_avx2(const Blake3Nodes& nodes);    // 8 nodes

// One block: `cv` becomes the new chaining value.
void blake3_block(std::uint32_t cv[8],
                  const std::uint8_t* block,
                  std::uint32_t block_size,
                  std::uint64_t counter,
                  std::uint32_t flags);

}  // namespace lateen::repository
