#include "repository/crypto/blake2s.h"

#include <cstring>

#include "base/result.h"
#include "repository/crypto/blake_rounds.h"

namespace lateen::repository {

namespace {

constexpr std::size_t kBlock = 64;
constexpr std::uint32_t kIv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::uint8_t kSigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                         {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                         {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                         {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                         {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                         {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                         {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                         {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                         {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                         {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

void compress(std::uint32_t h[8], const std::uint8_t* block, std::uint64_t counter, bool last) {
  std::uint32_t m[16];
  std::memcpy(m, block, sizeof m);
  std::uint32_t v[16];
  for (std::size_t i = 0; i < 8; ++i) {
    v[i] = h[i];
    v[i + 8] = kIv[i];
  }
  v[12] ^= static_cast<std::uint32_t>(counter);
  v[13] ^= static_cast<std::uint32_t>(counter >> 32);
  if (last) v[14] = ~v[14];
  blake_rounds<kBlakeTurns32>(v, m, kSigma);
  for (std::size_t i = 0; i < 8; ++i)
    h[i] ^= v[i] ^ v[i + 8];
}

HashBytes digest_of(const std::uint32_t h[8]) {
  HashBytes out;
  std::memcpy(out.data(), h, out.size());
  return out;
}

}  // namespace

Blake2sKeyed::Blake2sKeyed(BytesView key, std::size_t digest_size) {
  LATEEN_ASSERT(!key.empty() && key.size() <= 32, "BLAKE2s' keys have 1 to 32 bytes");
  for (std::size_t i = 0; i < 8; ++i)
    keyed_[i] = kIv[i];
  keyed_[0] ^= static_cast<std::uint32_t>(0x01010000U ^ (key.size() << 8) ^ digest_size);
  std::uint8_t block[kBlock] = {};
  std::memcpy(block, key.data(), key.size());
  auto last = keyed_;
  compress(last.data(), block, kBlock, true);
  empty_ = digest_of(last.data());
  compress(keyed_.data(), block, kBlock, false);
}

HashBytes Blake2sKeyed::hash(BytesView data) const {
  if (data.empty()) return empty_;
  auto h = keyed_;
  std::uint64_t counter = kBlock;
  const auto* at = reinterpret_cast<const std::uint8_t*>(data.data());
  std::size_t rest = data.size();
  for (; rest > kBlock; rest -= kBlock, at += kBlock) {
    counter += kBlock;
    compress(h.data(), at, counter, false);
  }
  std::uint8_t block[kBlock] = {};
  std::memcpy(block, at, rest);
  compress(h.data(), block, counter + rest, true);
  return digest_of(h.data());
}

}  // namespace lateen::repository
