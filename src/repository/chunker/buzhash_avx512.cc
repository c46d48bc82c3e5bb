// The hash at a position is the xor of 64 table words, the k-th last turned by k:
//
//   h(i) = T[b(i)] ^ rol(T[b(i-1)], 1) ^ … ^ rol(T[b(i-63)], 63)
//
// Rolling makes each position wait for the one before. But with H1(i) = T[b(i)] and
//
//   H2(i) = H1(i) ^ rol(H1(i-1), 1),  H4(i) = H2(i) ^ rol(H2(i-2), 2),  …  H64(i) = H32(i) ^
//   H32(i-32)
//
// six steps give the hash of every position, each step an xor of a register with its neighbour,
// shifted by some positions and turned: sixteen positions an instruction, and nothing waits. (The
// last step turns by 32, which is not at all.) Looking up sixty-four bytes in a table of 256 words
// is done in its four planes of bytes, which fit sixteen registers, by byte permutes.
#include "repository/chunker/buzhash_avx512.h"

#include <bit>

#include "repository/chunker/buzhash_roll.h"
#include "repository/crypto/intrinsics.h"

namespace lateen::repository {

#if LATEEN_X86

namespace {

// Plane p: byte p of each of the 256 words.
struct alignas(64) Planes {
  std::uint8_t bytes[4][256];
};

constexpr Planes make_planes() {
  Planes planes{};
  for (std::size_t p = 0; p < 4; ++p) {
    for (std::size_t i = 0; i < 256; ++i) {
      planes.bytes[p][i] = static_cast<std::uint8_t>(kBuzhashTable[i] >> (8 * p));
    }
  }
  return planes;
}

constexpr Planes kPlanes = make_planes();

// Where each of 64 bytes goes so that, after two rounds of interleaving planes (which works inside
// parts of 128 bits), the words come out in the text's order.
struct alignas(64) Order {
  std::uint8_t from[64];
};

constexpr Order make_order() {
  Order order{};
  for (std::size_t part = 0; part < 4; ++part) {
    for (std::size_t quad = 0; quad < 4; ++quad) {
      for (std::size_t i = 0; i < 4; ++i) {
        order.from[16 * part + 4 * quad + i] = static_cast<std::uint8_t>(16 * quad + 4 * part + i);
      }
    }
  }
  return order;
}

constexpr Order kOrder = make_order();

// The last registers of each level: what the next ones are shifted against.
struct Levels {
  __m512i h1;
  __m512i h2;
  __m512i h4;
  __m512i h8;
  __m512i h16;
  __m512i h32;
  __m512i h32_before;
};

// Hashes of the next sixteen positions, whose table words are `h1`.
LATEEN_AVX512_VBMI inline __m512i next_sixteen(Levels& last, __m512i h1) {
  const __m512i h2 =
      _mm512_xor_si512(h1, _mm512_rol_epi32(_mm512_alignr_epi32(h1, last.h1, 15), 1));
  const __m512i h4 =
      _mm512_xor_si512(h2, _mm512_rol_epi32(_mm512_alignr_epi32(h2, last.h2, 14), 2));
  const __m512i h8 =
      _mm512_xor_si512(h4, _mm512_rol_epi32(_mm512_alignr_epi32(h4, last.h4, 12), 4));
  const __m512i h16 =
      _mm512_xor_si512(h8, _mm512_rol_epi32(_mm512_alignr_epi32(h8, last.h8, 8), 8));
  const __m512i h32 = _mm512_xor_si512(h16, _mm512_rol_epi32(last.h16, 16));
  const __m512i h64 = _mm512_xor_si512(h32, last.h32_before);
  last = {h1, h2, h4, h8, h16, h32, last.h32};
  return h64;
}

struct Tables {
  __m512i plane[4][4];
  __m512i order;
};

// The table words of 64 bytes, in order.
LATEEN_AVX512_VBMI inline void look_up(const Tables& tables,
                                       const std::uint8_t* at,
                                       __m512i* words) {
  const __m512i text = _mm512_permutexvar_epi8(tables.order, _mm512_loadu_si512(at));
  const __mmask64 high = _mm512_movepi8_mask(text);
  __m512i p[4];
  for (int i = 0; i < 4; ++i) {
    const __m512i* t = tables.plane[i];
    p[i] = _mm512_mask_blend_epi8(high, _mm512_permutex2var_epi8(t[0], text, t[1]),
                                  _mm512_permutex2var_epi8(t[2], text, t[3]));
  }
  const __m512i low01 = _mm512_unpacklo_epi8(p[0], p[1]);
  const __m512i high01 = _mm512_unpackhi_epi8(p[0], p[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(p[2], p[3]);
  const __m512i high23 = _mm512_unpackhi_epi8(p[2], p[3]);
  words[0] = _mm512_unpacklo_epi16(low01, low23);
  words[1] = _mm512_unpackhi_epi16(low01, low23);
  words[2] = _mm512_unpacklo_epi16(high01, high23);
  words[3] = _mm512_unpackhi_epi16(high01, high23);
}

}  // namespace

LATEEN_AVX512_VBMI std::size_t find_buzhash_avx512(const std::uint8_t* data,
                                                   std::size_t from,
                                                   std::size_t to,
                                                   std::uint32_t mask) {
  Tables tables;
  for (std::size_t p = 0; p < 4; ++p) {
    for (std::size_t i = 0; i < 4; ++i) {
      tables.plane[p][i] = _mm512_load_si512(kPlanes.bytes[p] + 64 * i);
    }
  }
  tables.order = _mm512_load_si512(kOrder.from);
  const __m512i bits = _mm512_set1_epi32(static_cast<int>(mask));
  const __m512i zero = _mm512_setzero_si512();
  Levels last = {zero, zero, zero, zero, zero, zero, zero};
  __m512i words[4];
  // The 64 bytes before the first position only fill the levels.
  look_up(tables, data + from - 1 - kChunkerWindow, words);
  for (const __m512i& w : words)
    next_sixteen(last, w);
  std::size_t l = from;
  for (; l + 63 <= to; l += 64) {
    look_up(tables, data + l - 1, words);
    std::uint64_t hits = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const __mmask16 hit = _mm512_testn_epi32_mask(next_sixteen(last, words[i]), bits);
      hits |= std::uint64_t{hit} << (16 * i);
    }
    if (hits != 0) return l + static_cast<std::size_t>(std::countr_zero(hits));
  }
  return l <= to ? find_in_one_stripe(BuzhashRoll{mask}, data, l, to) : 0;
}

#else

std::size_t find_buzhash_avx512(const std::uint8_t* data,
                                std::size_t from,
                                std::size_t to,
                                std::uint32_t mask) {
  return find_in_one_stripe(BuzhashRoll{mask}, data, from, to);
}

#endif

}  // namespace lateen::repository
