#include "repository/restic/documents.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "repository/crypto/kdf.h"
#include "repository/json_reader.h"
#include "repository/restic/fixture.h"
#include "repository/restic/index_file.h"
#include "repository/restic/pack_header.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository::restic {
namespace {

constexpr std::string_view kConfig =
    R"({"version":2,"id":"f6958433a991c5efbc55cafe23a17e92705847d4639cf5f2369621dee6c6d1a9",)"
    R"("chunker_polynomial":"394d7e615912a9"})";

TEST(ResticDocuments, ConfigIsReadAndWrittenAsResticDoes) {
  const Config config = decode_config(kConfig).value();
  EXPECT_EQ(config.version, 2);
  EXPECT_EQ(config.polynomial, 0x394d7e615912a9);
  EXPECT_EQ(encode(config), kConfig);
}

TEST(ResticDocuments, AConfigOfVersion3IsRefused) {
  Config config = decode_config(kConfig).value();
  config.version = 3;
  const auto decoded = decode_config(encode(config));
  ASSERT_FALSE(decoded);
  EXPECT_TRUE(decoded.error().is(Code::Unsupported));
  EXPECT_EQ(decoded.error().message(), "this is a restic repository of version 3");
}

TEST(ResticDocuments, TheMasterKeyIsTheOneThatResticWrote) {
  const std::string json =
      R"({"mac":{"k":"mknv4cmoA5MkM+3bto2yqQ==","r":"LGaswhEsa+cBzzusqyWd7w=="},)"
      R"("encrypt":"O1o/yckug7Ku9kUxAAVGHEUyCPZI2Y4JjRHTDYFLVvU="})";
  const MasterKey key = decode_master_key(json).value();
  EXPECT_EQ(key.encrypt.reveal().size(), 32U);
  EXPECT_EQ(encode(key), json);
}

TEST(ResticDocuments, AKeyOfZerosIsRefused) {
  const MasterKey zero{.encrypt = Secret(std::string(32, '\0')),
                       .mac_k = Secret(std::string(16, 'k')),
                       .mac_r = Secret(std::string(16, 'r'))};
  EXPECT_FALSE(decode_master_key(encode(zero)));
}

TEST(ResticDocuments, AKeyFileThatAsksForTooMuchMemoryIsRefused) {
  KeyFile file{.n = std::uint64_t{1} << 40, .r = 8, .p = 1, .salt = Bytes(64, 's')};
  EXPECT_FALSE(decode_key_file(encode(file)));
  file.n = 1000;  // not a power of two
  EXPECT_FALSE(decode_key_file(encode(file)));
  file.n = 1024;
  EXPECT_TRUE(decode_key_file(encode(file)));
  file.salt.pop_back();
  EXPECT_FALSE(decode_key_file(encode(file)));
}

TEST(ResticDocuments, UnitsAreSealedAsTheReferenceSays) {
  const auto run = [](char first, std::size_t size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i)
      bytes += static_cast<char>(first + static_cast<char>(i));
    return bytes;
  };
  const CtrPolyKey key = to_cipher_key({.encrypt = Secret(run(0, 32)),
                                        .mac_k = Secret(run(0x20, 16)),
                                        .mac_r = Secret(run(static_cast<char>(0xd0), 16))});
  const Bytes unit = run(0x40, 16) + hex_decode("cb1bb353f87ac88ae00f0ba4").value() +
                     hex_decode("40f8ce93e4c609e47c5aa256a61a145f").value();
  EXPECT_EQ(open_unit(key, unit).value(), "hello restic");
  Bytes damaged = unit;
  damaged[20] = static_cast<char>(damaged[20] ^ 1);
  EXPECT_FALSE(open_unit(key, damaged));
  EXPECT_FALSE(open_unit(key, unit.substr(0, 31)));
}

TEST(ResticDocuments, ASnapshotKeepsItsTimeZoneAndUnknownsAreAbsent) {
  const std::string json = R"({"time":"2026-11-22T11:09:21.5+01:00","tree":")" +
                           std::string(64, 'a') +
                           R"(","paths":["/a"],"hostname":"h","username":"u","tags":["x","y"]})";
  const SnapshotFile snapshot = decode_snapshot(json).value();
  EXPECT_EQ(encode(snapshot), json);
  EXPECT_EQ(snapshot.tags.size(), 2U);
}

TEST(ResticDocuments, ASnapshotWithoutATreeIsCorrupt) {
  const auto decoded = decode_snapshot(R"({"time":"2026-11-22T11:09:21Z","paths":["/a"]})");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message(), "the snapshot names no tree");
}

TEST(ResticPackHeader, EntriesOfTheFixtureDecode) {
  const Bytes header =
      hex_decode(
          "03e30c00000e5000001399c823bf02a59bd21725e6677a7bc3e0ac655d8db53ea0a1b1efc4fc7b6a08"
          "0313040000891000008b992790b91762270efd9d33e1b497546a32b4fb485a6c498f29d5b96dc0aff7")
          .value();
  const auto blobs = decode_header(header).value();
  ASSERT_EQ(blobs.size(), 2U);
  EXPECT_EQ(blobs[0].type, BlobType::Tree);
  EXPECT_EQ(blobs[0].length, 3299U);
  EXPECT_EQ(blobs[0].plain_length, 20494U);
  EXPECT_EQ(blobs[1].offset, 3299U);
  Bytes again;
  for (const PackedBlob& blob : blobs)
    append_header_entry(again, blob);
  EXPECT_EQ(again, header);
}

TEST(ResticPackHeader, ImpossibleHeadersAreCorrupt) {
  EXPECT_FALSE(decode_header(std::string(1, '\x04') + std::string(40, 'x')));
  EXPECT_FALSE(decode_header(std::string(36, '\0')));
  EXPECT_FALSE(header_length(std::string(4, '\0'), 1000));
  EXPECT_FALSE(header_length(std::string("\xff\xff\xff\x7f", 4), 1000));
  EXPECT_EQ(header_length(std::string("\x3f\x01\0\0", 4), 6666).value(), 319U);
}

TEST(ResticIndexFile, WhatIsWrittenIsRead) {
  const std::vector<PackedBlob> blobs = {
      {.id = Id::of("a"), .type = BlobType::Data, .offset = 0, .length = 38},
      {.id = Id::of("b"),
       .type = BlobType::Data,
       .offset = 38,
       .length = 112,
       .plain_length = 511}};
  IndexEncoder encoder;
  encoder.add(Id::of("pack"), blobs);
  encoder.add(Id::of("pack 2"), blobs);
  const Bytes json = encoder.finish();
  std::size_t packs = 0;
  ASSERT_TRUE(decode_index(json, 2, [&](IndexedPack& pack) {
    EXPECT_EQ(pack.blobs, blobs);
    ++packs;
    return Status();
  }));
  EXPECT_EQ(packs, 2U);
  EXPECT_FALSE(decode_index(json, 1, [](IndexedPack&) { return Status(); }))
      << "version 1 has no compression";
}

TEST(ResticIndexFile, SupersedesAndUnknownFieldsArePassedOver) {
  const std::string json = R"({"supersedes":[")" + std::string(64, 'b') +
                           R"("],"future":{"a":[1,{"b":null}]},"packs":[]})" + "\n";
  EXPECT_TRUE(decode_index(json, 2, [](IndexedPack&) { return Status(); }));
}

TEST(ResticJsonReader, BrokenTextsSayWhere) {
  for (const std::string_view text : {"{", "{\"a\"", "{\"a\":1,}", "[1 2]", "{\"a\":\"\\x\"}"}) {
    JsonReader in(text);
    Status skipped = in.skip();
    EXPECT_FALSE(skipped && in.end()) << text;
  }
  std::string deep(10'000, '[');
  EXPECT_FALSE(JsonReader(deep).skip());
}

TEST(ResticJsonReader, SurrogatesBecomeOneCharacter) {
  JsonReader in(R"("\ud83d\ude42 \ud83d x")");
  std::string text;
  ASSERT_TRUE(in.read_string(text));
  EXPECT_EQ(text, "\xf0\x9f\x99\x82 \xef\xbf\xbd x");
}

}  // namespace
}  // namespace lateen::repository::restic
