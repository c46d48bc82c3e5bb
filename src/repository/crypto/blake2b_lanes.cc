#include "repository/crypto/blake2b_lanes.h"

#include "repository/crypto/simd.h"

#if LATEEN_X86
#include "repository/crypto/intrinsics.h"

// The rotations and rounds are spelt as macros: a helper function with another target would not be
// inlined, and one with the same would have to be written for each width.
// NOLINTBEGIN(cppcoreguidelines-macro-usage)
#define LATEEN_B2B_G(a, b, c, d, x, y)  \
  v[a] = ADD(ADD(v[a], v[b]), m[s[x]]); \
  v[d] = ROR32(XOR(v[d], v[a]));        \
  v[c] = ADD(v[c], v[d]);               \
  v[b] = ROR24(XOR(v[b], v[c]));        \
  v[a] = ADD(ADD(v[a], v[b]), m[s[y]]); \
  v[d] = ROR16(XOR(v[d], v[a]));        \
  v[c] = ADD(v[c], v[d]);               \
  v[b] = ROR63(XOR(v[b], v[c]));
#define LATEEN_B2B_ROUND(r)                             \
  {                                                     \
    constexpr const std::uint8_t* s = kBlake2bSigma[r]; \
    LATEEN_B2B_G(0, 4, 8, 12, 0, 1)                     \
    LATEEN_B2B_G(1, 5, 9, 13, 2, 3)                     \
    LATEEN_B2B_G(2, 6, 10, 14, 4, 5)                    \
    LATEEN_B2B_G(3, 7, 11, 15, 6, 7)                    \
    LATEEN_B2B_G(0, 5, 10, 15, 8, 9)                    \
    LATEEN_B2B_G(1, 6, 11, 12, 10, 11)                  \
    LATEEN_B2B_G(2, 7, 8, 13, 12, 13)                   \
    LATEEN_B2B_G(3, 4, 9, 14, 14, 15)                   \
  }
#define LATEEN_B2B_ROUNDS() \
  LATEEN_B2B_ROUND(0)       \
  LATEEN_B2B_ROUND(1)       \
  LATEEN_B2B_ROUND(2)       \
  LATEEN_B2B_ROUND(3)       \
  LATEEN_B2B_ROUND(4)       \
  LATEEN_B2B_ROUND(5)       \
  LATEEN_B2B_ROUND(6)       \
  LATEEN_B2B_ROUND(7)       \
  LATEEN_B2B_ROUND(8) LATEEN_B2B_ROUND(9) LATEEN_B2B_ROUND(10) LATEEN_B2B_ROUND(11)

// NOLINTEND(cppcoreguidelines-macro-usage)

namespace lateen::repository {

namespace {

// Eight words of eight messages become eight registers of one word of all messages.
LATEEN_AVX512 void load_words(const std::uint8_t* const* at, std::size_t offset, __m512i* m) {
  __m512i r[8];
  for (int i = 0; i < 8; ++i)
    r[i] = _mm512_loadu_si512(at[i] + offset);
  __m512i t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  // t[0]: words 0,2,4,6 of messages 0 and 1; t[1]: words 1,3,5,7 of them; t[2], t[3]: of 2 and 3; …
  __m512i u[8];
  for (int i = 0; i < 2; ++i) {
    u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);      // 128-bit parts 0, 2
    u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);  // parts 1, 3
    u[i + 4] = _mm512_shuffle_i64x2(t[i + 4], t[i + 6], 0x88);
    u[i + 6] = _mm512_shuffle_i64x2(t[i + 4], t[i + 6], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    m[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
    m[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
  }
}

LATEEN_AVX2 void load_words4(const std::uint8_t* const* at, std::size_t offset, __m256i* m) {
  __m256i r[4];
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at[i] + offset));
  }
  const __m256i a = _mm256_unpacklo_epi64(r[0], r[1]);
  const __m256i b = _mm256_unpackhi_epi64(r[0], r[1]);
  const __m256i c = _mm256_unpacklo_epi64(r[2], r[3]);
  const __m256i d = _mm256_unpackhi_epi64(r[2], r[3]);
  m[0] = _mm256_permute2x128_si256(a, c, 0x20);
  m[1] = _mm256_permute2x128_si256(b, d, 0x20);
  m[2] = _mm256_permute2x128_si256(a, c, 0x31);
  m[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

}  // namespace

#define ADD(a, b) _mm512_add_epi64(a, b)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define ROR32(a) _mm512_ror_epi64(a, 32)
#define ROR24(a) _mm512_ror_epi64(a, 24)
#define ROR16(a) _mm512_ror_epi64(a, 16)
#define ROR63(a) _mm512_ror_epi64(a, 63)

LATEEN_AVX512 void blake2b_blocks_avx512(Blake2bLanes& lanes, std::size_t blocks) {
  __m512i h[8];
  for (std::size_t i = 0; i < 8; ++i)
    h[i] = _mm512_load_si512(lanes.h + 8 * i);
  __m512i counter = _mm512_load_si512(lanes.counter);
  const __m512i step = _mm512_load_si512(lanes.step);
  const __m512i last = _mm512_load_si512(lanes.last);
  for (std::size_t n = 0; n < blocks; ++n) {
    __m512i m[16];
    load_words(lanes.at, 0, m);
    load_words(lanes.at, 64, m + 8);
    counter = _mm512_add_epi64(counter, step);
    __m512i v[16];
    for (std::size_t i = 0; i < 8; ++i) {
      v[i] = h[i];
      v[i + 8] = _mm512_set1_epi64(static_cast<long long>(kBlake2bIv[i]));
    }
    v[12] = XOR(v[12], counter);
    v[14] = XOR(v[14], last);
    LATEEN_B2B_ROUNDS()
    for (std::size_t i = 0; i < 8; ++i)
      h[i] = XOR(h[i], XOR(v[i], v[i + 8]));
    for (std::size_t i = 0; i < 8; ++i)
      lanes.at[i] += kBlake2bBlock;
  }
  for (std::size_t i = 0; i < 8; ++i)
    _mm512_store_si512(lanes.h + 8 * i, h[i]);
  _mm512_store_si512(lanes.counter, counter);
}

#undef ADD
#undef XOR
#undef ROR32
#undef ROR24
#undef ROR16
#undef ROR63
#define ADD(a, b) _mm256_add_epi64(a, b)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define ROR32(a) _mm256_shuffle_epi32(a, 0xb1)
#define ROR24(a) _mm256_shuffle_epi8(a, by24)
#define ROR16(a) _mm256_shuffle_epi8(a, by16)
#define ROR63(a) _mm256_or_si256(_mm256_srli_epi64(a, 63), _mm256_add_epi64(a, a))

LATEEN_AVX2 void blake2b_blocks_avx2(Blake2bLanes& lanes, std::size_t blocks) {
  const __m256i by24 = _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4,
                                        5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
  const __m256i by16 = _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3,
                                        4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
  const auto load = [](const std::uint64_t* p) { return reinterpret_cast<const __m256i*>(p); };
  const auto store = [](std::uint64_t* p) { return reinterpret_cast<__m256i*>(p); };
  __m256i h[8];
  for (std::size_t i = 0; i < 8; ++i)
    h[i] = _mm256_load_si256(load(lanes.h + 8 * i));
  __m256i counter = _mm256_load_si256(load(lanes.counter));
  const __m256i step = _mm256_load_si256(load(lanes.step));
  const __m256i last = _mm256_load_si256(load(lanes.last));
  for (std::size_t n = 0; n < blocks; ++n) {
    __m256i m[16];
    for (std::size_t i = 0; i < 4; ++i)
      load_words4(lanes.at, 32 * i, m + 4 * i);
    counter = _mm256_add_epi64(counter, step);
    __m256i v[16];
    for (std::size_t i = 0; i < 8; ++i) {
      v[i] = h[i];
      v[i + 8] = _mm256_set1_epi64x(static_cast<long long>(kBlake2bIv[i]));
    }
    v[12] = XOR(v[12], counter);
    v[14] = XOR(v[14], last);
    LATEEN_B2B_ROUNDS()
    for (std::size_t i = 0; i < 8; ++i)
      h[i] = XOR(h[i], XOR(v[i], v[i + 8]));
    for (std::size_t i = 0; i < 4; ++i)
      lanes.at[i] += kBlake2bBlock;
  }
  for (std::size_t i = 0; i < 8; ++i)
    _mm256_store_si256(store(lanes.h + 8 * i), h[i]);
  _mm256_store_si256(store(lanes.counter), counter);
}

#undef ROR32
#undef ROR24
#undef ROR16
#undef ROR63
#define ROR32(a) _mm256_ror_epi64(a, 32)
#define ROR24(a) _mm256_ror_epi64(a, 24)
#define ROR16(a) _mm256_ror_epi64(a, 16)
#define ROR63(a) _mm256_ror_epi64(a, 63)

LATEEN_AVX512 void blake2b_four_avx512(Blake2bLanes& lanes, std::size_t blocks) {
  const auto load = [](const std::uint64_t* p) { return reinterpret_cast<const __m256i*>(p); };
  const auto store = [](std::uint64_t* p) { return reinterpret_cast<__m256i*>(p); };
  __m256i h[8];
  for (std::size_t i = 0; i < 8; ++i)
    h[i] = _mm256_load_si256(load(lanes.h + 8 * i));
  __m256i counter = _mm256_load_si256(load(lanes.counter));
  const __m256i step = _mm256_load_si256(load(lanes.step));
  const __m256i last = _mm256_load_si256(load(lanes.last));
  for (std::size_t n = 0; n < blocks; ++n) {
    __m256i m[16];
    for (std::size_t i = 0; i < 4; ++i)
      load_words4(lanes.at, 32 * i, m + 4 * i);
    counter = _mm256_add_epi64(counter, step);
    __m256i v[16];
    for (std::size_t i = 0; i < 8; ++i) {
      v[i] = h[i];
      v[i + 8] = _mm256_set1_epi64x(static_cast<long long>(kBlake2bIv[i]));
    }
    v[12] = XOR(v[12], counter);
    v[14] = XOR(v[14], last);
    LATEEN_B2B_ROUNDS()
    for (std::size_t i = 0; i < 8; ++i)
      h[i] = XOR(h[i], XOR(v[i], v[i + 8]));
    for (std::size_t i = 0; i < 4; ++i)
      lanes.at[i] += kBlake2bBlock;
  }
  for (std::size_t i = 0; i < 8; ++i)
    _mm256_store_si256(store(lanes.h + 8 * i), h[i]);
  _mm256_store_si256(store(lanes.counter), counter);
}

}  // namespace lateen::repository
#else
#include "base/result.h"

namespace lateen::repository {

void blake2b_blocks_avx512(Blake2bLanes& /*lanes*/, std::size_t /*blocks*/) {
  LATEEN_ASSERT(false, "cpu_features() knows no AVX-512 here");
}

void blake2b_blocks_avx2(Blake2bLanes& /*lanes*/, std::size_t /*blocks*/) {
  LATEEN_ASSERT(false, "cpu_features() knows no AVX2 here");
}

void blake2b_four_avx512(Blake2bLanes& /*lanes*/, std::size_t /*blocks*/) {
  LATEEN_ASSERT(false, "cpu_features() knows no AVX-512 here");
}

}  // namespace lateen::repository
#endif
