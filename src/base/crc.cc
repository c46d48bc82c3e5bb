#include "base/crc.h"

#include <array>
#include <cstddef>
#include <cstring>

#include <libdeflate.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace lateen {
namespace {

// Eight tables, so that eight bytes are taken at a time; `polynomial` is reflected.
template <typename Word>
struct SlicingTables {
  std::array<std::array<Word, 256>, 8> table{};

  explicit constexpr SlicingTables(Word polynomial) {
    for (std::size_t i = 0; i < 256; ++i) {
      auto value = static_cast<Word>(i);
      for (int bit = 0; bit < 8; ++bit)
        value = (value & 1U) != 0 ? (value >> 1U) ^ polynomial : value >> 1U;
      table[0][i] = value;
    }
    for (std::size_t i = 0; i < 256; ++i) {
      for (std::size_t n = 1; n < 8; ++n)
        table[n][i] = (table[n - 1][i] >> 8U) ^ table[0][table[n - 1][i] & 0xFFU];
    }
  }
};

constexpr SlicingTables<std::uint32_t> kCastagnoli(0x82F63B78U);
constexpr SlicingTables<std::uint64_t> kNvme(0x9A6C9329AC4BC9B5U);

template <typename Word>
Word sliced(const SlicingTables<Word>& tables, BytesView bytes, Word before) {
  const auto& t = tables.table;
  Word crc = ~before;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);  // little-endian, as every machine we build for
    word ^= crc;
    crc = 0;
    for (std::size_t n = 0; n < 8; ++n)
      crc ^= t[7 - n][(word >> (8 * n)) & 0xFFU];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes)
    crc = (crc >> 8U) ^ t[0][(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(BytesView bytes,
                                                                      std::uint32_t before) {
  std::uint64_t crc = ~before;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    crc = _mm_crc32_u64(crc, word);
    bytes.remove_prefix(8);
  }
  auto rest = static_cast<std::uint32_t>(crc);
  for (const char c : bytes)
    rest = _mm_crc32_u8(rest, static_cast<unsigned char>(c));
  return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32(BytesView bytes, std::uint32_t before) {
  return libdeflate_crc32(before, bytes.data(), bytes.size());
}

std::uint32_t crc32c(BytesView bytes, std::uint32_t before) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_by_instruction(bytes, before);
#endif
  return sliced(kCastagnoli, bytes, before);
}

std::uint64_t crc64_nvme(BytesView bytes, std::uint64_t before) {
  return sliced(kNvme, bytes, before);
}

}  // namespace lateen
