// A block of Salsa20 is kept as four vectors that hold its diagonals, so that a round is four
// additions, rotations and exclusive ors of whole vectors, and a shuffle. Each of them waits for
// the one before: two lanes of scrypt in the halves of wider registers take as long as one.
//
// The rounds are spelt as macros: a helper function with another target would not be inlined.
#include "repository/crypto/scrypt_mix.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <sys/mman.h>

#include "base/bytes.h"
#include "base/file.h"
#include "repository/crypto/intrinsics.h"

namespace lateen::repository {

#if LATEEN_X86

namespace {

constexpr std::size_t kWords = 16;  // of a block of Salsa20
constexpr ByteCount kMostForPairs = 64_MiB;

// Pages that no core dump shows and nobody gets after us. Huge ones, if the kernel has them to
// spare: the table is read at random.
class SecretPages {
 public:
  explicit SecretPages(std::size_t size) : size_(size) {
    void* const pages =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return;
    pages_ = pages;
    madvise(pages_, size, MADV_HUGEPAGE);
    madvise(pages_, size, MADV_DONTDUMP);
  }

  SecretPages(const SecretPages&) = delete;
  SecretPages& operator=(const SecretPages&) = delete;

  ~SecretPages() {
    if (pages_ != nullptr) munmap(pages_, size_);
  }

  char* data() { return static_cast<char*>(pages_); }

 private:
  const std::size_t size_;
  void* pages_ = nullptr;
};

// The word of a block that stands at `place` of its four diagonals.
constexpr std::size_t word_at(std::size_t place) {
  return place * 5 % kWords;
}

void to_diagonals(const std::uint8_t* block, std::uint32_t* words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(words + i, block + 4 * (i / kWords * kWords + word_at(i % kWords)), 4);
  }
}

void from_diagonals(const std::uint32_t* words, std::uint8_t* block, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(block + 4 * (i / kWords * kWords + word_at(i % kWords)), words + i, 4);
  }
}

#define LATEEN_ROTATE_AVX2_1(x, n) _mm_or_si128(_mm_slli_epi32(x, n), _mm_srli_epi32(x, 32 - (n)))
#define LATEEN_ROTATE_AVX2_2(x, n) \
  _mm256_or_si256(_mm256_slli_epi32(x, n), _mm256_srli_epi32(x, 32 - (n)))

// Two rounds; P is _mm or _mm256, S the suffix of its type.
#define LATEEN_TWO_ROUNDS(P, S, ROTATE)                    \
  x1 = P##_xor_##S(x1, ROTATE(P##_add_epi32(x0, x3), 7));  \
  x2 = P##_xor_##S(x2, ROTATE(P##_add_epi32(x1, x0), 9));  \
  x3 = P##_xor_##S(x3, ROTATE(P##_add_epi32(x2, x1), 13)); \
  x0 = P##_xor_##S(x0, ROTATE(P##_add_epi32(x3, x2), 18)); \
  x1 = P##_shuffle_epi32(x1, 0x93);                        \
  x2 = P##_shuffle_epi32(x2, 0x4E);                        \
  x3 = P##_shuffle_epi32(x3, 0x39);                        \
  x3 = P##_xor_##S(x3, ROTATE(P##_add_epi32(x0, x1), 7));  \
  x2 = P##_xor_##S(x2, ROTATE(P##_add_epi32(x3, x0), 9));  \
  x1 = P##_xor_##S(x1, ROTATE(P##_add_epi32(x2, x3), 13)); \
  x0 = P##_xor_##S(x0, ROTATE(P##_add_epi32(x1, x2), 18)); \
  x1 = P##_shuffle_epi32(x1, 0x39);                        \
  x2 = P##_shuffle_epi32(x2, 0x4E);                        \
  x3 = P##_shuffle_epi32(x3, 0x93);

// scryptBlockMix from `in` to `out`, both of 8·r vectors.
#define LATEEN_BLOCK_MIX(P, S, ROTATE)              \
  x0 = in[8 * r - 4];                               \
  x1 = in[8 * r - 3];                               \
  x2 = in[8 * r - 2];                               \
  x3 = in[8 * r - 1];                               \
  for (std::size_t i = 0; i < 2 * r; ++i) {         \
    x0 = s0 = P##_xor_##S(x0, in[4 * i]);           \
    x1 = s1 = P##_xor_##S(x1, in[4 * i + 1]);       \
    x2 = s2 = P##_xor_##S(x2, in[4 * i + 2]);       \
    x3 = s3 = P##_xor_##S(x3, in[4 * i + 3]);       \
    LATEEN_TWO_ROUNDS(P, S, ROTATE)                 \
    LATEEN_TWO_ROUNDS(P, S, ROTATE)                 \
    LATEEN_TWO_ROUNDS(P, S, ROTATE)                 \
    LATEEN_TWO_ROUNDS(P, S, ROTATE)                 \
    const std::size_t to = 4 * (i / 2 + i % 2 * r); \
    out[to] = x0 = P##_add_epi32(x0, s0);           \
    out[to + 1] = x1 = P##_add_epi32(x1, s1);       \
    out[to + 2] = x2 = P##_add_epi32(x2, s2);       \
    out[to + 3] = x3 = P##_add_epi32(x3, s3);       \
  }                                                 \
  std::swap(in, out);

// scryptROMix of one lane. `in` and `out` are of 8·r vectors; the result ends up in `in`, since N
// is even.
#define LATEEN_MIX_ONE(NAME, TARGET, ROTATE)                                                 \
  TARGET void NAME(__m128i* in, __m128i* out, char* table, std::uint64_t n, std::size_t r) { \
    __m128i x0, x1, x2, x3, s0, s1, s2, s3;                                                  \
    for (std::uint64_t step = 0; step < n; ++step) {                                         \
      auto* const row = reinterpret_cast<__m128i*>(table + step * 128 * r);                  \
      for (std::size_t i = 0; i < 8 * r; ++i)                                                \
        _mm_storeu_si128(row + i, in[i]);                                                    \
      LATEEN_BLOCK_MIX(_mm, si128, ROTATE)                                                   \
    }                                                                                        \
    for (std::uint64_t step = 0; step < n; ++step) {                                         \
      const auto last = static_cast<std::uint32_t>(_mm_cvtsi128_si32(in[8 * r - 4]));        \
      const auto* const row =                                                                \
          reinterpret_cast<const __m128i*>(table + (last & (n - 1)) * 128 * r);              \
      for (std::size_t i = 0; i < 8 * r; ++i)                                                \
        in[i] = _mm_xor_si128(in[i], _mm_loadu_si128(row + i));                              \
      LATEEN_BLOCK_MIX(_mm, si128, ROTATE)                                                   \
    }                                                                                        \
  }

// The same of two lanes, in the low and the high halves.
#define LATEEN_MIX_TWO(NAME, TARGET, ROTATE)                                                       \
  TARGET void NAME(__m256i* in, __m256i* out, char* table, std::uint64_t n, std::size_t r) {       \
    __m256i x0, x1, x2, x3, s0, s1, s2, s3;                                                        \
    char* const second = table + n * 128 * r;                                                      \
    for (std::uint64_t step = 0; step < n; ++step) {                                               \
      auto* const low = reinterpret_cast<__m128i*>(table + step * 128 * r);                        \
      auto* const high = reinterpret_cast<__m128i*>(second + step * 128 * r);                      \
      for (std::size_t i = 0; i < 8 * r; ++i) {                                                    \
        _mm_storeu_si128(low + i, _mm256_castsi256_si128(in[i]));                                  \
        _mm_storeu_si128(high + i, _mm256_extracti128_si256(in[i], 1));                            \
      }                                                                                            \
      LATEEN_BLOCK_MIX(_mm256, si256, ROTATE)                                                      \
    }                                                                                              \
    for (std::uint64_t step = 0; step < n; ++step) {                                               \
      const __m256i last = in[8 * r - 4];                                                          \
      const auto a = static_cast<std::uint32_t>(_mm256_extract_epi32(last, 0));                    \
      const auto b = static_cast<std::uint32_t>(_mm256_extract_epi32(last, 4));                    \
      const auto* const low = reinterpret_cast<const __m128i*>(table + (a & (n - 1)) * 128 * r);   \
      const auto* const high = reinterpret_cast<const __m128i*>(second + (b & (n - 1)) * 128 * r); \
      for (std::size_t i = 0; i < 8 * r; ++i) {                                                    \
        const __m256i both = _mm256_inserti128_si256(                                              \
            _mm256_castsi128_si256(_mm_loadu_si128(low + i)), _mm_loadu_si128(high + i), 1);       \
        in[i] = _mm256_xor_si256(in[i], both);                                                     \
      }                                                                                            \
      LATEEN_BLOCK_MIX(_mm256, si256, ROTATE)                                                      \
    }                                                                                              \
  }

LATEEN_MIX_ONE(mix_one_avx512, LATEEN_AVX512, _mm_rol_epi32)
LATEEN_MIX_TWO(mix_two_avx512, LATEEN_AVX512, _mm256_rol_epi32)
LATEEN_MIX_ONE(mix_one_avx2, LATEEN_AVX2, LATEEN_ROTATE_AVX2_1)
LATEEN_MIX_TWO(mix_two_avx2, LATEEN_AVX2, LATEEN_ROTATE_AVX2_2)

// Vectors in memory are aligned by their own size.
template <typename Vector>
Vector* aligned(char* at) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  return reinterpret_cast<Vector*>(at +
                                   (sizeof(Vector) - address % sizeof(Vector)) % sizeof(Vector));
}

void mix_one(std::uint8_t* lane, char* table, std::uint64_t n, std::size_t r, char* room) {
  auto* const in = aligned<__m128i>(room);
  __m128i* const out = in + 8 * r;
  to_diagonals(lane, reinterpret_cast<std::uint32_t*>(in), 32 * r);
  (cpu_features().avx512 ? mix_one_avx512 : mix_one_avx2)(in, out, table, n, r);
  from_diagonals(reinterpret_cast<std::uint32_t*>(in), lane, 32 * r);
}

// Two lanes, one behind the other.
void mix_two(std::uint8_t* lanes, char* table, std::uint64_t n, std::size_t r, char* room) {
  auto* const in = aligned<__m256i>(room);
  __m256i* const out = in + 8 * r;
  std::vector<std::uint32_t> words(64 * r);
  to_diagonals(lanes, words.data(), words.size());
  auto* const halves = reinterpret_cast<char*>(in);
  const auto* const text = reinterpret_cast<char*>(words.data());
  for (std::size_t i = 0; i < 8 * r; ++i) {
    std::memcpy(halves + 32 * i, text + 16 * i, 16);
    std::memcpy(halves + 32 * i + 16, text + 16 * (8 * r + i), 16);
  }
  (cpu_features().avx512 ? mix_two_avx512 : mix_two_avx2)(in, out, table, n, r);
  auto* const back = reinterpret_cast<char*>(words.data());
  for (std::size_t i = 0; i < 8 * r; ++i) {
    std::memcpy(back + 16 * i, halves + 32 * i, 16);
    std::memcpy(back + 16 * (8 * r + i), halves + 32 * i + 16, 16);
  }
  from_diagonals(words.data(), lanes, words.size());
}

}  // namespace

bool can_mix_scrypt() {
  return cpu_features().avx2;
}

Status mix_scrypt(std::span<std::uint8_t> blocks, std::uint64_t n, std::uint64_t r) {
  const std::size_t lane = 128 * r;
  const std::size_t lanes = blocks.size() / lane;
  const std::size_t at_once = lanes > 1 && 2 * n * lane <= kMostForPairs ? 2 : 1;
  const std::size_t room = 4 * lane + 2 * sizeof(__m256i);
  SecretPages pages(at_once * n * lane + room);
  if (pages.data() == nullptr) return errno_error(errno, "memory for scrypt");
  char* const table = pages.data();
  char* const vectors = table + at_once * n * lane;
  std::size_t done = 0;
  for (; at_once == 2 && done + 2 <= lanes; done += 2)
    mix_two(blocks.data() + done * lane, table, n, r, vectors);
  for (; done < lanes; ++done)
    mix_one(blocks.data() + done * lane, table, n, r, vectors);
  return {};
}

#else

bool can_mix_scrypt() {
  return false;
}

Status mix_scrypt(std::span<std::uint8_t> /*blocks*/, std::uint64_t /*n*/, std::uint64_t /*r*/) {
  return Error(Code::Unsupported, "this machine has no instructions for it");
}

#endif

}  // namespace lateen::repository
