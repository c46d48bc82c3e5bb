#include "repository/crypto/blake3_lanes.h"

#include "base/result.h"
#include "repository/crypto/simd.h"

#if LATEEN_X86
#include "repository/crypto/intrinsics.h"

// NOLINTBEGIN(cppcoreguidelines-macro-usage): as in blake2b_lanes.cc
#define LATEEN_B3_G(a, b, c, d, x, y)   \
  v[a] = ADD(ADD(v[a], v[b]), m[s[x]]); \
  v[d] = ROR16(XOR(v[d], v[a]));        \
  v[c] = ADD(v[c], v[d]);               \
  v[b] = ROR12(XOR(v[b], v[c]));        \
  v[a] = ADD(ADD(v[a], v[b]), m[s[y]]); \
  v[d] = ROR8(XOR(v[d], v[a]));         \
  v[c] = ADD(v[c], v[d]);               \
  v[b] = ROR7(XOR(v[b], v[c]));
#define LATEEN_B3_ROUND(r)                                \
  {                                                       \
    constexpr const std::uint8_t* s = kBlake3Schedule[r]; \
    LATEEN_B3_G(0, 4, 8, 12, 0, 1)                        \
    LATEEN_B3_G(1, 5, 9, 13, 2, 3)                        \
    LATEEN_B3_G(2, 6, 10, 14, 4, 5)                       \
    LATEEN_B3_G(3, 7, 11, 15, 6, 7)                       \
    LATEEN_B3_G(0, 5, 10, 15, 8, 9)                       \
    LATEEN_B3_G(1, 6, 11, 12, 10, 11)                     \
    LATEEN_B3_G(2, 7, 8, 13, 12, 13)                      \
    LATEEN_B3_G(3, 4, 9, 14, 14, 15)                      \
  }
#define LATEEN_B3_ROUNDS() \
  LATEEN_B3_ROUND(0)       \
  LATEEN_B3_ROUND(1)       \
  LATEEN_B3_ROUND(2) LATEEN_B3_ROUND(3) LATEEN_B3_ROUND(4) LATEEN_B3_ROUND(5) LATEEN_B3_ROUND(6)

// NOLINTEND(cppcoreguidelines-macro-usage)

namespace lateen::repository {

namespace {

int as_int(std::uint32_t word) {
  return static_cast<int>(word);
}

// Sixteen registers of sixteen words: rows become columns.
LATEEN_AVX512 void transpose16(__m512i* r) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // r[4g + w]: word w + 4q of rows 4g … 4g + 3, for the four 128-bit parts q.
  for (int w = 0; w < 4; ++w) {
    const __m512i a = _mm512_shuffle_i32x4(r[w], r[4 + w], 0x88);
    const __m512i b = _mm512_shuffle_i32x4(r[w], r[4 + w], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(r[8 + w], r[12 + w], 0x88);
    const __m512i d = _mm512_shuffle_i32x4(r[8 + w], r[12 + w], 0xdd);
    t[w] = _mm512_shuffle_i32x4(a, c, 0x88);
    t[w + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
    t[w + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
    t[w + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
  for (int i = 0; i < 16; ++i)
    r[i] = t[i];
}

// Eight registers of eight words.
LATEEN_AVX2 void transpose8(__m256i* r) {
  __m256i t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  __m256i u[8];
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

}  // namespace

#define ADD(a, b) _mm512_add_epi32(a, b)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define ROR16(a) _mm512_ror_epi32(a, 16)
#define ROR12(a) _mm512_ror_epi32(a, 12)
#define ROR8(a) _mm512_ror_epi32(a, 8)
#define ROR7(a) _mm512_ror_epi32(a, 7)

LATEEN_AVX512 void blake3_nodes_avx512(const Blake3Nodes& nodes) {
  constexpr std::size_t kLanes = 16;
  __m512i h[16];
  for (std::size_t i = 0; i < 8; ++i)
    h[i] = _mm512_set1_epi32(as_int(nodes.key[i]));
  alignas(64) std::uint32_t low[kLanes];
  alignas(64) std::uint32_t high[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    const std::uint64_t counter = nodes.counter + (nodes.counts ? i : 0);
    low[i] = static_cast<std::uint32_t>(counter);
    high[i] = static_cast<std::uint32_t>(counter >> 32);
  }
  const std::size_t stride = nodes.blocks * kBlake3Block;
  for (std::size_t n = 0; n < nodes.blocks; ++n) {
    __m512i m[16];
    for (std::size_t i = 0; i < kLanes; ++i) {
      m[i] = _mm512_loadu_si512(nodes.input + i * stride + n * kBlake3Block);
    }
    transpose16(m);
    std::uint32_t flags = nodes.flags;
    if (n == 0) flags |= nodes.first_flags;
    if (n + 1 == nodes.blocks) flags |= nodes.last_flags;
    __m512i v[16];
    for (std::size_t i = 0; i < 8; ++i)
      v[i] = h[i];
    for (std::size_t i = 0; i < 4; ++i)
      v[i + 8] = _mm512_set1_epi32(as_int(kBlake3Iv[i]));
    v[12] = _mm512_load_si512(low);
    v[13] = _mm512_load_si512(high);
    v[14] = _mm512_set1_epi32(static_cast<int>(kBlake3Block));
    v[15] = _mm512_set1_epi32(as_int(flags));
    LATEEN_B3_ROUNDS()
    for (std::size_t i = 0; i < 8; ++i)
      h[i] = XOR(v[i], v[i + 8]);
  }
  for (std::size_t i = 8; i < 16; ++i)
    h[i] = _mm512_setzero_si512();
  transpose16(h);
  for (std::size_t i = 0; i < kLanes; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(nodes.out + 32 * i),
                        _mm512_castsi512_si256(h[i]));
  }
}

#undef ADD
#undef XOR
#undef ROR16
#undef ROR12
#undef ROR8
#undef ROR7
#define ADD(a, b) _mm256_add_epi32(a, b)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define ROR16(a) _mm256_shuffle_epi8(a, by16)
#define ROR12(a) _mm256_or_si256(_mm256_srli_epi32(a, 12), _mm256_slli_epi32(a, 20))
#define ROR8(a) _mm256_shuffle_epi8(a, by8)
#define ROR7(a) _mm256_or_si256(_mm256_srli_epi32(a, 7), _mm256_slli_epi32(a, 25))

LATEEN_AVX2 void blake3_nodes_avx2(const Blake3Nodes& nodes) {
  constexpr std::size_t kLanes = 8;
  const __m256i by16 = _mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3,
                                        0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  const __m256i by8 = _mm256_setr_epi8(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12, 1, 2,
                                       3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
  __m256i h[8];
  for (std::size_t i = 0; i < 8; ++i)
    h[i] = _mm256_set1_epi32(as_int(nodes.key[i]));
  alignas(32) std::uint32_t low[kLanes];
  alignas(32) std::uint32_t high[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    const std::uint64_t counter = nodes.counter + (nodes.counts ? i : 0);
    low[i] = static_cast<std::uint32_t>(counter);
    high[i] = static_cast<std::uint32_t>(counter >> 32);
  }
  const std::size_t stride = nodes.blocks * kBlake3Block;
  for (std::size_t n = 0; n < nodes.blocks; ++n) {
    __m256i m[16];
    for (std::size_t half = 0; half < 2; ++half) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        m[8 * half + i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(
            nodes.input + i * stride + n * kBlake3Block + 32 * half));
      }
      transpose8(m + 8 * half);
    }
    std::uint32_t flags = nodes.flags;
    if (n == 0) flags |= nodes.first_flags;
    if (n + 1 == nodes.blocks) flags |= nodes.last_flags;
    __m256i v[16];
    for (std::size_t i = 0; i < 8; ++i)
      v[i] = h[i];
    for (std::size_t i = 0; i < 4; ++i)
      v[i + 8] = _mm256_set1_epi32(as_int(kBlake3Iv[i]));
    v[12] = _mm256_load_si256(reinterpret_cast<const __m256i*>(low));
    v[13] = _mm256_load_si256(reinterpret_cast<const __m256i*>(high));
    v[14] = _mm256_set1_epi32(static_cast<int>(kBlake3Block));
    v[15] = _mm256_set1_epi32(as_int(flags));
    LATEEN_B3_ROUNDS()
    for (std::size_t i = 0; i < 8; ++i)
      h[i] = XOR(v[i], v[i + 8]);
  }
  transpose8(h);
  for (std::size_t i = 0; i < kLanes; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(nodes.out + 32 * i), h[i]);
  }
}

}  // namespace lateen::repository
#else

namespace lateen::repository {

void blake3_nodes_avx512(const Blake3Nodes& /*nodes*/) {
  LATEEN_ASSERT(false, "cpu_features() knows no AVX-512 here");
}

void blake3_nodes_avx2(const Blake3Nodes& /*nodes*/) {
  LATEEN_ASSERT(false, "cpu_features() knows no AVX2 here");
}

}  // namespace lateen::repository
#endif
