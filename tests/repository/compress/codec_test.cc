#include "repository/compress/codec.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "repository/compress/s2.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

Bytes text_like(std::size_t size) {
  testing::TestStream random(4);
  Bytes out;
  while (out.size() < size)
    out += fmt::format("line {} of a log, level={}\n", random.next() % 1000, random.next() % 7);
  out.resize(size);
  return out;
}

TEST(Codec, UnpacksWhatItPackedWithEveryKopiaCompressor) {
  Compressor compressor;
  Decompressor decompressor;
  for (const KopiaCompressor& kopia : kopia_compressors()) {
    for (const std::size_t size : {0, 1, 1000, 300'000}) {
      const Bytes plain = text_like(size);
      Buffer packed;
      const Status done = compressor.compress(kopia.codec, plain, packed);
      ASSERT_EQ(done.has_value(), kopia.can_write) << kopia.name;
      if (!done) continue;
      EXPECT_TRUE(size < 500 || packed.size() < size / 2) << kopia.name;
      Buffer out;
      ASSERT_TRUE(decompressor.decompress(kopia.codec.algorithm, packed.view(), size, out))
          << kopia.name;
      EXPECT_EQ(out.view(), plain);
    }
  }
}

TEST(Codec, RefusesAnotherLengthAndDamage) {
  Compressor compressor;
  Decompressor decompressor;
  const Bytes plain = text_like(50'000);
  for (const char* name : {"gzip", "zstd", "deflate-default"}) {
    const KopiaCompressor& kopia = *find_kopia_compressor(name);
    Buffer packed;
    ASSERT_TRUE(compressor.compress(kopia.codec, plain, packed));
    Buffer out;
    out.append("before");
    for (const ByteCount size : {ByteCount{0}, ByteCount{49'999}, ByteCount{50'001}}) {
      const Status got = decompressor.decompress(kopia.codec.algorithm, packed.view(), size, out);
      ASSERT_FALSE(got) << name;
      EXPECT_EQ(got.error().code(), Code::Corrupt);
      EXPECT_EQ(out.view(), "before");
    }
    const BytesView cut_off = packed.view(0, packed.size() - 1);
    EXPECT_EQ(decompressor.decompress(kopia.codec.algorithm, cut_off, 50'000, out).error().code(),
              Code::Corrupt);
    EXPECT_EQ(decompressor.decompress(kopia.codec.algorithm, "", 10, out).error().code(),
              Code::Corrupt);
  }
}

TEST(Codec, StopsABomb) {
  Compressor compressor;
  Decompressor decompressor;
  Buffer packed;
  ASSERT_TRUE(
      compressor.compress({.algorithm = Algorithm::Zstd, .level = 1}, Bytes(50_MiB, '\0'), packed));
  Buffer out;
  EXPECT_EQ(
      decompressor.decompress_up_to(Algorithm::Zstd, packed.view(), 1_MiB, out).error().code(),
      Code::Corrupt);
  EXPECT_LE(out.capacity(), 2_MiB);
}

TEST(Codec, KnowsKopiasHeaderIds) {
  EXPECT_EQ(find_kopia_compressor(0x1101)->name, "zstd-fastest");
  EXPECT_EQ(find_kopia_compressor("pgzip")->header_id, 0x1300U);
  EXPECT_EQ(find_kopia_compressor(0x9999), nullptr);
}

TEST(LooksCompressible, TellsTextFromNoise) {
  EXPECT_TRUE(looks_compressible(text_like(1_MiB)));
  EXPECT_TRUE(looks_compressible(Bytes(1_MiB, '\0')));
  EXPECT_FALSE(looks_compressible(testing::test_bytes(8, 1_MiB)));
}

TEST(Crc32c, GivesTheRfcsValue) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(Bytes(32, '\0')), 0x8a9136aaU);
}

Bytes framed(BytesView block, BytesView plain) {
  const std::uint32_t crc = crc32c(plain);
  const std::uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
  const std::size_t length = block.size() + 4;
  Bytes out("\xff\x06\x00\x00S2sTwO", 10);
  out += '\0';
  for (int i = 0; i < 3; ++i)
    out += static_cast<char>(length >> (8 * i));
  for (int i = 0; i < 4; ++i)
    out += static_cast<char>(masked >> (8 * i));
  return out += block;
}

TEST(S2, UnpacksLiteralsCopiesAndRepeats) {
  // "abcd", then 6 bytes from 4 back, then repeat of that offset, 4 bytes.
  const Bytes block(
      "\x0e\x0c"
      "abcd"
      "\x09\x04"
      "\x01\x00",
      10);
  Buffer out;
  ASSERT_TRUE(decompress_s2(framed(block, "abcdabcdabcdab"), 100, out));
  EXPECT_EQ(out.view(), "abcdabcdabcdab");
}

TEST(S2, RefusesDamage) {
  const Bytes whole = framed(Bytes("\x04\x0c"
                                   "abcd",
                                   6),
                             "abcd");
  Buffer out;
  ASSERT_TRUE(decompress_s2(whole, 4, out));
  EXPECT_EQ(decompress_s2(whole, 3, out).error().code(), Code::Corrupt);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x04);
    Buffer bad;  // cut off behind its name, a stream is empty
    EXPECT_FALSE(decompress_s2(flipped, 100, bad)) << i;
    EXPECT_TRUE(!decompress_s2(BytesView(whole).substr(0, i), 100, bad) || bad.empty()) << i;
  }
}

}  // namespace
}  // namespace lateen::repository
