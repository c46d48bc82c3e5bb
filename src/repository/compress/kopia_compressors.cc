#include <algorithm>
#include <array>

#include "repository/compress/codec.h"

namespace lateen::repository {

namespace {

constexpr Codec gzip(int level) {
  return {.algorithm = Algorithm::Gzip, .level = level};
}

constexpr Codec deflate(int level) {
  return {.algorithm = Algorithm::Deflate, .level = level};
}

constexpr Codec zstd(int level) {
  return {.algorithm = Algorithm::Zstd, .level = level, .checksum = true};
}

constexpr Codec kS2 = {.algorithm = Algorithm::S2};

// kopia-format.md section 9. The levels of zstd are those that Go's library compares itself with.
constexpr std::array kCompressors = {
    KopiaCompressor{"gzip", 0x1000, gzip(6), true},
    KopiaCompressor{"gzip-best-speed", 0x1001, gzip(1), true},
    KopiaCompressor{"gzip-best-compression", 0x1002, gzip(9), true},
    KopiaCompressor{"zstd", 0x1100, zstd(3), true},
    KopiaCompressor{"zstd-fastest", 0x1101, zstd(1), true},
    KopiaCompressor{"zstd-better-compression", 0x1102, zstd(7), true},
    KopiaCompressor{"zstd-best-compression", 0x1103, zstd(11), true},
    KopiaCompressor{"s2-default", 0x1200, kS2, false},
    KopiaCompressor{"s2-better", 0x1201, kS2, false},
    KopiaCompressor{"s2-parallel-4", 0x1202, kS2, false},
    KopiaCompressor{"s2-parallel-8", 0x1203, kS2, false},
    KopiaCompressor{"pgzip", 0x1300, gzip(6), true},
    KopiaCompressor{"pgzip-best-speed", 0x1301, gzip(1), true},
    KopiaCompressor{"pgzip-best-compression", 0x1302, gzip(9), true},
    KopiaCompressor{"lz4", 0x1400, {.algorithm = Algorithm::Lz4}, false},
    KopiaCompressor{"deflate-default", 0x1500, deflate(6), true},
    KopiaCompressor{"deflate-best-speed", 0x1501, deflate(1), true},
    KopiaCompressor{"deflate-best-compression", 0x1502, deflate(9), true},
};

template <typename Wanted>
const KopiaCompressor* find(Wanted wanted) {
  const auto* const found = std::find_if(kCompressors.begin(), kCompressors.end(), wanted);
  return found == kCompressors.end() ? nullptr : found;
}

}  // namespace

const KopiaCompressor* find_kopia_compressor(std::string_view name) {
  return find([name](const KopiaCompressor& c) { return c.name == name; });
}

const KopiaCompressor* find_kopia_compressor(std::uint32_t header_id) {
  return find([header_id](const KopiaCompressor& c) { return c.header_id == header_id; });
}

std::span<const KopiaCompressor> kopia_compressors() {
  return kCompressors;
}

std::optional<Codec> restic_codec(std::string_view option) {
  const auto level = [](int n) { return Codec{.algorithm = Algorithm::Zstd, .level = n}; };
  if (option == "auto") return level(3);
  if (option == "fastest") return level(1);
  if (option == "better") return level(7);
  if (option == "max") return level(11);
  if (option == "off") return Codec{};
  return std::nullopt;
}

}  // namespace lateen::repository
