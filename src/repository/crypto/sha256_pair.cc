#include "repository/crypto/sha256_pair.h"

#include "base/result.h"
#include "repository/crypto/intrinsics.h"

namespace lateen::repository {

#if LATEEN_X86

namespace {

alignas(16) constexpr std::uint32_t kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// One message's eight words, in the two registers and the order that the instructions want.
struct Lane {
  __m128i abef;
  __m128i cdgh;
};

LATEEN_SHA_NI inline Lane load(const std::uint32_t* words) {
  const auto* const from = reinterpret_cast<const __m128i*>(words);
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(from), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(from + 1), 0x1b);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

LATEEN_SHA_NI inline void store(const Lane& lane, std::uint32_t* words) {
  auto* const to = reinterpret_cast<__m128i*>(words);
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
  _mm_storeu_si128(to, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(to + 1, _mm_alignr_epi8(dchg, feba, 8));
}

// Four rounds with the words `w`.
LATEEN_SHA_NI inline void four_rounds(Lane& lane, __m128i w, std::size_t round) {
  const __m128i sum =
      _mm_add_epi32(w, _mm_load_si128(reinterpret_cast<const __m128i*>(kRounds + 4 * round)));
  lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, sum);
  lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

// The next four words of the schedule, from the last sixteen.
LATEEN_SHA_NI inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

LATEEN_SHA_NI inline void load_block(const std::uint8_t* from, __m128i* w) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  for (std::size_t i = 0; i < 4; ++i) {
    w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from) + i), swap);
  }
}

}  // namespace

LATEEN_SHA_NI void sha256_blocks_pair(std::uint32_t* a,
                                      const std::uint8_t* from_a,
                                      std::uint32_t* b,
                                      const std::uint8_t* from_b,
                                      std::size_t blocks) {
  Lane x = load(a);
  Lane y = load(b);
  for (; blocks > 0; --blocks, from_a += 64, from_b += 64) {
    const Lane x_before = x;
    const Lane y_before = y;
    __m128i u[4];
    __m128i v[4];
    load_block(from_a, u);
    load_block(from_b, v);
#pragma GCC unroll 16
    for (std::size_t round = 0; round < 16; ++round) {
      const std::size_t i = round % 4;
      four_rounds(x, u[i], round);
      four_rounds(y, v[i], round);
      if (round < 12) {
        u[i] = next_words(u[i], u[(i + 1) % 4], u[(i + 2) % 4], u[(i + 3) % 4]);
        v[i] = next_words(v[i], v[(i + 1) % 4], v[(i + 2) % 4], v[(i + 3) % 4]);
      }
    }
    x = {_mm_add_epi32(x.abef, x_before.abef), _mm_add_epi32(x.cdgh, x_before.cdgh)};
    y = {_mm_add_epi32(y.abef, y_before.abef), _mm_add_epi32(y.cdgh, y_before.cdgh)};
  }
  store(x, a);
  store(y, b);
}

#else

void sha256_blocks_pair(std::uint32_t* /*a*/,
                        const std::uint8_t* /*from_a*/,
                        std::uint32_t* /*b*/,
                        const std::uint8_t* /*from_b*/,
                        std::size_t /*blocks*/) {
  LATEEN_ASSERT(false, "cpu_features() knows no SHA extensions here");
}

#endif

}  // namespace lateen::repository
