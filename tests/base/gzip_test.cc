#include "base/gzip.h"

#include <random>

#include <gtest/gtest.h>
#include <zlib.h>

namespace lateen {
namespace {

Bytes some_text(std::size_t size) {
  Bytes out;
  std::minstd_rand random(1);
  while (out.size() < size)
    out += "key" + std::to_string(random() % 1000) + ": value\n";
  out.resize(size);
  return out;
}

Bytes some_noise(std::size_t size) {
  Bytes out(size, '\0');
  std::minstd_rand random(2);
  for (char& c : out)
    c = static_cast<char>(random() >> 8);
  return out;
}

// The judge: zlib itself, one member.
Bytes inflate_by_zlib(BytesView member) {
  z_stream z = {};
  inflateInit2(&z, 16 + MAX_WBITS);
  Bytes out(12 << 20, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(member.data()));
  z.avail_in = static_cast<uInt>(member.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST(Gzip, WritesMembersThatZlibReads) {
  GzipCompressor compressor;
  for (const std::size_t size : {0U, 1U, 1000U, 65'536U, 300'000U, 3'000'000U}) {
    const Bytes text = some_text(size);
    EXPECT_EQ(inflate_by_zlib(compressor.member(text)), text);
    EXPECT_EQ(gunzip_member(compressor.member(text), size).value_or("?"), text);
    const Bytes noise = some_noise(size);
    EXPECT_EQ(inflate_by_zlib(compressor.member(noise)), noise);
    EXPECT_EQ(inflate_by_zlib(compressor.member(text + noise + text)), text + noise + text);
    EXPECT_EQ(inflate_by_zlib(compressor.member(Bytes(size, '\0'))), Bytes(size, '\0'));
  }
}

TEST(Gzip, ReadsManyMembersAsOneFile) {
  const Bytes a = some_text(100'000);
  const Bytes b = some_text(70'000);
  const auto read = gunzip(gzip_member(a) + gzip_member("") + gzip_member(b), 1_MiB);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, a + b);
}

TEST(Gzip, PassesOverZerosAtTheEndAndRefusesAnythingElse) {
  const Bytes member = gzip_member("text");
  EXPECT_EQ(gunzip(member + Bytes(700, '\0'), 100).value_or("?"), "text");
  const auto refused = gunzip(member + "\1", 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::Corrupt);
  const auto late = gunzip(member + Bytes(3, '\0') + member, 100);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message(),
            fmt::format("gzip data is followed by something else at byte {}", member.size() + 3));
}

TEST(Gzip, RefusesTheFileCutAnywhere) {
  const Bytes whole = gzip_member(some_text(2000)) + gzip_member("tail");
  const std::size_t first = gzip_member(some_text(2000)).size();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto cut = gunzip(BytesView(whole).substr(0, n), 1_MiB);
    EXPECT_EQ(cut.has_value(), n == first) << n;
    if (!cut) {
      EXPECT_EQ(cut.error().code(), Code::Corrupt);
    }
  }
}

TEST(Gzip, SaysWhereItIsTruncated) {
  const Bytes whole = gzip_member("first") + gzip_member("second");
  const auto cut = gunzip(BytesView(whole).substr(0, whole.size() - 2), 100);
  ASSERT_FALSE(cut);
  EXPECT_EQ(
      cut.error().message(),
      fmt::format("gzip data is truncated: it ends at byte {}, inside the member from byte {}",
                  whole.size() - 2, gzip_member("first").size()));
}

TEST(Gzip, NoticesAnyChangedByteOfTheContent) {
  const Bytes text = some_text(500);
  const Bytes whole = gzip_member(text);
  for (std::size_t i = 10; i < whole.size(); ++i) {
    Bytes broken = whole;
    broken[i] = static_cast<char>(broken[i] ^ 0x10);
    // What nobody can notice is a change of the bits that fill up deflate's last byte.
    EXPECT_EQ(gunzip(broken, 1_MiB).value_or(text), text) << i;
    EXPECT_EQ(gunzip_member(broken, text.size()).value_or(text), text) << i;
  }
}

TEST(Gzip, StopsAtTheBound) {
  const Bytes bomb = gzip_member(Bytes(8 << 20, '\0'));
  const auto refused = gunzip(bomb, 1_MiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::Corrupt);
  EXPECT_TRUE(gunzip(bomb, 8_MiB));
}

TEST(Gzip, TakesOneMemberOfExactlyTheStatedSize) {
  const Bytes member = gzip_member("four");
  EXPECT_EQ(gunzip_member(member, 4).value_or("?"), "four");
  EXPECT_FALSE(gunzip_member(member, 5));
  EXPECT_FALSE(gunzip_member(member, 3));
  EXPECT_FALSE(gunzip_member(member + member, 8));
  EXPECT_FALSE(gunzip_member(member.substr(1), 4));
}

TEST(GunzipStream, GivesTheSameThroughAnyRoom) {
  const Bytes text = some_text(5000);
  const Bytes whole =
      gzip_member(BytesView(text).substr(0, 1234)) + gzip_member(BytesView(text).substr(1234));
  for (const std::size_t room_size : {1U, 7U, 4096U}) {
    ViewSource source(whole);
    GunzipStream stream(source);
    Bytes out;
    std::vector<char> room(room_size);
    while (true) {
      const auto n = stream.read(room);
      ASSERT_TRUE(n);
      if (*n == 0) break;
      out.append(room.data(), *n);
    }
    EXPECT_EQ(out, text);
    EXPECT_EQ(stream.compressed_offset(), whole.size());
  }
}

}  // namespace
}  // namespace lateen
