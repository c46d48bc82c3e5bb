// A rolling fingerprint takes a table's answer for each byte, one after the other. But each step is
// linear: the next state is the last one shifted by a byte, plus what the byte that falls off at
// the top amounts to modulo the polynomial, plus what the byte that leaves the window amounted to,
// plus the byte that enters it. Each "what a byte amounts to" is a matrix of bits, and GFNI
// multiplies sixty-four bytes by a matrix in one instruction.
//
// So sixty-four stripes are rolled at once, their states kept in planes: plane k holds byte k of
// each. Shifting by a byte is then only taking the plane below. States are kept multiplied by x^3,
// since the polynomials' degree is 53: the byte that falls off is then a whole plane. For that, the
// text has to be turned: blocks of 64 stripes by 64 bytes are transposed, and the block before is
// what leaves the window.
#include "repository/chunker/rabin_gfni.h"

#include <algorithm>
#include <bit>

#include "base/result.h"
#include "repository/chunker/rabin.h"
#include "repository/crypto/intrinsics.h"

namespace lateen::repository {

namespace {

constexpr int kScale = 56 - kRabinDegree;  // states are multiplied by x to this power

// a·x modulo a polynomial of degree 56.
constexpr std::uint64_t times_x(std::uint64_t a, std::uint64_t modulus) {
  a <<= 1;
  return (a >> 56 & 1) != 0 ? a ^ modulus : a;
}

// The matrix of byte `plane` of a linear function, given by what it makes of the bits of a byte.
std::uint64_t matrix_of(const std::uint64_t (&images)[8], std::size_t plane) {
  std::uint64_t matrix = 0;
  for (unsigned column = 0; column < 8; ++column) {
    const std::uint64_t byte = images[column] >> (8 * plane) & 0xff;
    for (unsigned row = 0; row < 8; ++row) {
      if ((byte >> row & 1) != 0) matrix |= std::uint64_t{1} << (8 * (7 - row) + column);
    }
  }
  return matrix;
}

}  // namespace

RabinMatrices::RabinMatrices(std::uint64_t polynomial) {
  const std::uint64_t modulus = polynomial << kScale;
  std::uint64_t top[8];
  std::uint64_t leaving[8];
  std::uint64_t entering[8];
  std::uint64_t power = std::uint64_t{1} << 55;
  for (std::uint64_t& image : top)
    image = power = times_x(power, modulus);
  power = std::uint64_t{1} << kScale;
  for (std::size_t i = 0; i < 8 * kChunkerWindow; ++i)
    power = times_x(power, modulus);
  for (std::uint64_t& image : leaving) {
    image = power;
    power = times_x(power, modulus);
  }
  for (unsigned i = 0; i < 8; ++i)
    entering[i] = std::uint64_t{1} << (kScale + static_cast<int>(i));
  for (std::size_t plane = 0; plane < kPlanes; ++plane) {
    of_top[plane] = matrix_of(top, plane);
    of_leaving[plane] = matrix_of(leaving, plane);
    if (plane < 2) of_entering[plane] = matrix_of(entering, plane);
  }
}

#if LATEEN_X86

namespace {

constexpr std::size_t kStripes = 64;
constexpr std::size_t kTurned = 64;  // bytes of each stripe that are turned together
static_assert(kTurned == kChunkerWindow, "what leaves the window is the block before");
// Positions of a stripe. An odd number of cache lines: stripes then do not meet in the same sets.
constexpr std::size_t kStripe = 17 * kTurned;

struct alignas(64) TurnedText {
  std::uint8_t at[kTurned][kStripes];
};

struct alignas(64) ByteOrder {
  std::uint8_t from[64];
};

// Transposes the eight by eight bytes of a register.
constexpr ByteOrder make_turned_order() {
  ByteOrder order{};
  for (std::size_t i = 0; i < 64; ++i)
    order.from[i] = static_cast<std::uint8_t>(i % 8 * 8 + i / 8);
  return order;
}

constexpr ByteOrder kTurnedOrder = make_turned_order();

// Transposes eight by eight words of eight bytes.
LATEEN_AVX512_GFNI inline void turn_words(__m512i* r) {
  __m512i a[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  __m512i b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 4) {
#pragma GCC unroll 8
    for (int k = 0; k < 2; ++k) {
      b[i + k] = _mm512_shuffle_i64x2(a[i + k], a[i + k + 2], 0x88);
      b[i + k + 2] = _mm512_shuffle_i64x2(a[i + k], a[i + k + 2], 0xdd);
    }
  }
  // b[k] has of the words' columns k and k + 4, b[k + 2] those of k + 2 and k + 6.
#pragma GCC unroll 8
  for (int k = 0; k < 4; ++k) {
    r[k] = _mm512_shuffle_i64x2(b[k], b[k + 4], 0x88);
    r[k + 4] = _mm512_shuffle_i64x2(b[k], b[k + 4], 0xdd);
  }
}

LATEEN_AVX512_GFNI void turn_block(const std::uint8_t* text, TurnedText& out) {
  const __m512i order = _mm512_load_si512(kTurnedOrder.from);
  alignas(64) std::uint8_t groups[8][8][64];  // by stripes / 8, bytes / 8
  for (std::size_t group = 0; group < 8; ++group) {
    __m512i r[8];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i)
      r[i] = _mm512_loadu_si512(text + (8 * group + i) * kStripe);
    turn_words(r);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i)
      _mm512_store_si512(groups[group][i], _mm512_permutexvar_epi8(order, r[i]));
  }
  for (std::size_t part = 0; part < 8; ++part) {
    __m512i r[8];
#pragma GCC unroll 8
    for (std::size_t group = 0; group < 8; ++group)
      r[group] = _mm512_load_si512(groups[group][part]);
    turn_words(r);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i)
      _mm512_store_si512(out.at[8 * part + i], r[i]);
  }
}

struct Matrices {
  __m512i top[RabinMatrices::kPlanes];
  __m512i leaving[RabinMatrices::kPlanes];
  __m512i entering[2];
};

struct States {
  __m512i plane[RabinMatrices::kPlanes];
};

LATEEN_AVX512_GFNI inline __m512i xor_of_three(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

LATEEN_AVX512_GFNI inline void roll(const Matrices& m,
                                    States& s,
                                    __m512i leaving,
                                    __m512i entering) {
  const __m512i top = s.plane[6];
#pragma GCC unroll 8
  for (int k = 6; k > 1; --k) {
    s.plane[k] = xor_of_three(s.plane[k - 1], _mm512_gf2p8affine_epi64_epi8(top, m.top[k], 0),
                              _mm512_gf2p8affine_epi64_epi8(leaving, m.leaving[k], 0));
  }
  s.plane[1] =
      _mm512_xor_si512(xor_of_three(s.plane[0], _mm512_gf2p8affine_epi64_epi8(top, m.top[1], 0),
                                    _mm512_gf2p8affine_epi64_epi8(leaving, m.leaving[1], 0)),
                       _mm512_gf2p8affine_epi64_epi8(entering, m.entering[1], 0));
  s.plane[0] = xor_of_three(_mm512_gf2p8affine_epi64_epi8(top, m.top[0], 0),
                            _mm512_gf2p8affine_epi64_epi8(leaving, m.leaving[0], 0),
                            _mm512_gf2p8affine_epi64_epi8(entering, m.entering[0], 0));
}

LATEEN_AVX512_GFNI inline Matrices load_matrices(const RabinMatrices& from) {
  Matrices m;
  for (std::size_t k = 0; k < RabinMatrices::kPlanes; ++k) {
    m.top[k] = _mm512_set1_epi64(static_cast<long long>(from.of_top[k]));
    m.leaving[k] = _mm512_set1_epi64(static_cast<long long>(from.of_leaving[k]));
  }
  for (std::size_t k = 0; k < 2; ++k)
    m.entering[k] = _mm512_set1_epi64(static_cast<long long>(from.of_entering[k]));
  return m;
}

// Sixty-four stripes from `text` on, whose first positions come after the window that they begin
// with. The first candidate's place behind that window, or kStripes · kStripe.
LATEEN_AVX512_GFNI std::size_t find_in_round(const RabinMatrices& matrices,
                                             const std::uint8_t* text,
                                             std::uint32_t scaled_mask) {
  const Matrices m = load_matrices(matrices);
  __m512i bits[4];
  for (unsigned i = 0; i < 4; ++i)
    bits[i] = _mm512_set1_epi8(static_cast<char>(scaled_mask >> (8 * i)));
  States s;
  for (__m512i& plane : s.plane)
    plane = _mm512_setzero_si512();
  TurnedText blocks[2];
  turn_block(text, blocks[0]);
  for (const auto& row : blocks[0].at)
    roll(m, s, _mm512_setzero_si512(), _mm512_load_si512(row));
  std::size_t first = kStripes * kStripe;
  for (std::size_t block = 1; block <= kStripe / kTurned; ++block) {
    TurnedText& now = blocks[block % 2];
    const TurnedText& before = blocks[(block - 1) % 2];
    turn_block(text + block * kTurned, now);
    for (std::size_t i = 0; i < kTurned; ++i) {
      roll(m, s, _mm512_load_si512(before.at[i]), _mm512_load_si512(now.at[i]));
      // (plane 0 & bits 0) | (plane 1 & bits 1) | …
      __m512i any = _mm512_and_si512(s.plane[0], bits[0]);
#pragma GCC unroll 8
      for (int k = 1; k < 4; ++k)
        any = _mm512_ternarylogic_epi64(any, s.plane[k], bits[k], 0xf8);
      std::uint64_t hits = _mm512_testn_epi8_mask(any, any);
      for (; hits != 0; hits &= hits - 1) {
        const auto stripe = static_cast<std::size_t>(std::countr_zero(hits));
        first = std::min(first, stripe * kStripe + (block - 1) * kTurned + i);
      }
      // Whatever comes is behind one in the first stripe.
      if (first < kStripe) return first;
    }
  }
  return first;
}

}  // namespace

std::size_t find_rabin_gfni(const RabinMatrices& matrices,
                            const std::uint8_t* data,
                            std::size_t from,
                            std::size_t to,
                            std::uint64_t mask,
                            std::size_t& looked) {
  LATEEN_ASSERT(mask >> (32 - kScale) == 0, "splitters ask for fewer bits");
  const auto scaled = static_cast<std::uint32_t>(mask << kScale);
  looked = from - 1;
  while (to - looked >= kStripes * kStripe) {
    const std::size_t place = find_in_round(matrices, data + looked - kChunkerWindow, scaled);
    if (place < kStripes * kStripe) return looked + 1 + place;
    looked += kStripes * kStripe;
  }
  return 0;
}

#else

std::size_t find_rabin_gfni(const RabinMatrices& /*matrices*/,
                            const std::uint8_t* /*data*/,
                            std::size_t from,
                            std::size_t /*to*/,
                            std::uint64_t /*mask*/,
                            std::size_t& looked) {
  looked = from - 1;
  return 0;
}

#endif

}  // namespace lateen::repository
