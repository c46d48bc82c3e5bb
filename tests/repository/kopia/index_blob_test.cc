#include "repository/kopia/index_blob.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::uint32_t kOverhead = 28;

ContentEntry entry(std::string_view id, std::uint32_t pack, std::uint32_t offset) {
  return {.id = *parse_any_content_id(id),
          .pack = pack,
          .offset = offset,
          .packed_length = 128,
          .length = 100,
          .time = 1795341522,
          .codec = 0,
          .version = 3};
}

bool same(const ContentEntry& a, const ContentEntry& b) {
  return a.id == b.id && a.pack == b.pack && a.offset == b.offset &&
         a.packed_length == b.packed_length && a.length == b.length && a.time == b.time &&
         a.codec == b.codec && a.version == b.version && a.deleted == b.deleted;
}

void expect_round_trip(const std::vector<ContentEntry>& entries,
                       const std::vector<std::string>& packs,
                       int version) {
  const auto bytes = encode_index(entries, packs, version);
  ASSERT_TRUE(bytes) << bytes.error().message();
  const auto blob = IndexBlob::parse(*bytes, kOverhead);
  ASSERT_TRUE(blob) << blob.error().message();
  ASSERT_EQ(blob->entries().size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ContentEntry expected = entries[i];
    EXPECT_EQ(blob->packs()[blob->entries()[i].pack], packs[expected.pack]);
    expected.pack = blob->entries()[i].pack;
    EXPECT_TRUE(same(blob->entries()[i], expected)) << i;
  }
  EXPECT_EQ(blob->trailing(), 0U);
}

TEST(KopiaIndex, LayoutIsTheOneOfTheFixture) {
  // One entry as kopia 0.23.1 wrote it: header, key, entry, pack table, format table, name.
  const std::string name = "p587061895333ab5e16c2194e89ae6487-s79e77e504b7d3165147";
  const Bytes expected = *hex_decode(
                             "0211001000000001000000010100000000"
                             "0097b455b700897423d8ea16e8250f488f"
                             "6b02bcd20000008454004a5400660000"
                             "360000003d"
                             "000000000300") +
                         name;
  ContentEntry one = entry("97b455b700897423d8ea16e8250f488f", 0, 132);
  one.length = 5505098;
  one.packed_length = 5505126;
  const std::vector<std::string> packs = {name};
  EXPECT_EQ(hex_encode(*encode_index(std::vector{one}, packs, 2)), hex_encode(expected));
}

TEST(KopiaIndex, VersionOneLayoutIsTheOneOfTheFixture) {
  const std::string name(54, 'p');
  const Bytes bytes = *hex_decode(
                          "0111001400000001"
                          "00148bdf5185650852ffaa5ccff22add60"
                          "00006b02c51f013600000"
                          "02d010441040"
                          "00c2d47") +
                      name;
  const auto blob = IndexBlob::parse(bytes, kOverhead);
  ASSERT_TRUE(blob) << blob.error().message();
  const ContentEntry& one = blob->entries().front();
  EXPECT_EQ(one.id.text(), "148bdf5185650852ffaa5ccff22add60");
  EXPECT_EQ(one.time, 1795343647U);
  EXPECT_EQ(one.version, 1);
  EXPECT_EQ(one.offset, 17056004U);
  EXPECT_EQ(one.packed_length, 798023U);
  EXPECT_EQ(one.length, 798023U - kOverhead);
  EXPECT_EQ(blob->packs().front(), name);
}

TEST(KopiaIndex, EntriesComeBackAsTheyWent) {
  const std::vector<std::string> packs = {"p1", "q2"};
  std::vector<ContentEntry> entries = {entry("00aa", 0, 32), entry("ffbb", 0, 1U << 29U),
                                       entry("kcc00", 1, 32)};
  expect_round_trip({}, packs, 2);
  expect_round_trip(entries, packs, 2);
  expect_round_trip(entries, packs, 1);
  entries[1].deleted = true;
  entries[2].codec = 0x1101;  // a second format: one byte more
  expect_round_trip(entries, packs, 2);
  entries[0].length = 200'000'000;  // more than 24 bits: three bytes more
  entries[0].packed_length = 17'000'000;
  expect_round_trip(entries, packs, 2);
}

TEST(KopiaIndex, MoreThan65536PacksAreNumbered) {
  std::vector<std::string> packs;
  std::vector<ContentEntry> entries;
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    packs.push_back(fmt::format("p{}", i));
    entries.push_back(entry(fmt::format("{:08x}", i), i, 32));
  }
  expect_round_trip(entries, packs, 2);
}

TEST(KopiaIndex, WhatDoesNotFitIsRefused) {
  const std::vector<std::string> packs = {"p1"};
  EXPECT_FALSE(encode_index(std::vector{entry("bb", 0, 0), entry("aa", 0, 0)}, packs, 2));
  EXPECT_FALSE(encode_index(std::vector{entry("aa", 0, 0), entry("bbcc", 0, 0)}, packs, 2));
  EXPECT_FALSE(encode_index(std::vector{entry("aa", 0, 1U << 30U)}, packs, 2));
  ContentEntry compressed = entry("aa", 0, 0);
  compressed.codec = 0x1100;
  EXPECT_FALSE(encode_index(std::vector{compressed}, packs, 1));
}

TEST(KopiaIndex, TruncatedAnywhereItIsRefusedOrWhole) {
  const std::vector<std::string> packs = {"p1", "q2"};
  const Bytes bytes =
      *encode_index(std::vector{entry("00aa", 0, 32), entry("kbb00", 1, 64)}, packs, 2);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(IndexBlob::parse(BytesView(bytes).substr(0, length), kOverhead)) << length;
  }
  EXPECT_EQ(IndexBlob::parse(bytes + Bytes(32, 'r'), kOverhead)->trailing(), 32U);
}

TEST(KopiaIndex, UnknownVersionIsSaidToBeUnknown) {
  const auto blob = IndexBlob::parse(Bytes("\x03\x11\x00\x10") + Bytes(60, '\0'), kOverhead);
  ASSERT_FALSE(blob);
  EXPECT_EQ(blob.error().code(), Code::Unsupported);
  EXPECT_EQ(blob.error().message(), "index version 3 is not known");
}

}  // namespace
}  // namespace lateen::repository::kopia
