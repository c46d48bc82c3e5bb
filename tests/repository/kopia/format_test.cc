// The vectors of a repository that kopia 0.23.1 made (tests/testdata/kopia/kopia-repo.tar).
#include "repository/kopia/format.h"

#include "base/encoding.h"
#include "base/json.h"
#include "repository/crypto/kdf.h"
#include "repository/kopia/fixture.h"
#include "repository/kopia/object_id.h"
#include "repository/kopia/pack.h"
#include "repository/kopia/unit.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::string_view kPlain =
    R"({"format":{"hash":"BLAKE2B-256-128","encryption":"AES256-GCM-HMAC-SHA256","secret":"1S9HG5zcIMGN/cFjW+2OznYQgpUKwJkB8HcQQVbrAL8=","masterKey":"BVvXa+Y8uQEj0q4S9IsSgvlP4gPh8aTnjavTMnEYeMo=","version":3,"maxPackSize":20971520,"indexVersion":2,"epochParameters":{"Enabled":true,"EpochRefreshFrequency":1200000000000,"FullCheckpointFrequency":7,"CleanupSafetyMargin":14400000000000,"MinEpochDuration":86400000000000,"EpochAdvanceOnCountThreshold":20,"EpochAdvanceOnTotalSizeBytesThreshold":10485760,"DeleteParallelism":4},"enablePasswordChange":true,"splitter":"DYNAMIC-4M-BUZHASH"}})";

constexpr std::string_view kFormatKey =
    "a9301aed867cd741651455340c0abfcdaa81213906141821789b67d265a4c585";

class KopiaFormat : public KopiaFixture {
 protected:
  FormatBlob blob() {
    return *FormatBlob::parse(*read_file(unpack("kopia-repo") / "kopia.repository.f"));
  }

  SystemRng rng_;
};

std::string refusal(std::string_view json) {
  const auto parsed = parse_format(json);
  return parsed ? "" : parsed.error().message();
}

std::string with(std::string_view key, const Json& value) {
  Json document = *parse_json(kPlain);
  document.as_object()["format"].as_object()[key] = value;
  return write_json_unsorted(document);
}

TEST_F(KopiaFormat, TheFixturesPasswordGivesItsKey) {
  const FormatBlob format = blob();
  EXPECT_EQ(hex_encode(format.unique_id),
            "6aff0bba41f6b526743e3549da178246e15bb75ed9c03318f5b72c7f0e037b84");
  EXPECT_EQ(format.sealed.size(), 607U);
  const auto key = format.derive_key(fixture_password());
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_EQ(hex_encode(key->reveal()), kFormatKey);
}

TEST_F(KopiaFormat, TheFixturesFormatIsReadAndWrittenAlike) {
  const auto format = open_format(blob(), Secret(*hex_decode(kFormatKey)));
  ASSERT_TRUE(format) << format.error().message();
  EXPECT_EQ(format->version, 3);
  EXPECT_EQ(format->splitter, "DYNAMIC-4M-BUZHASH");
  EXPECT_EQ(format->max_pack_size, 20971520U);
  EXPECT_EQ(format->epochs, EpochParameters{});
  EXPECT_EQ(write_format(*format), kPlain);
}

TEST_F(KopiaFormat, SealedFormatIsOpenedByItsKeyAndNoOther) {
  FormatBlob format = blob();
  const Secret key(*hex_decode(kFormatKey));
  const FormatParameters before = *open_format(format, key);
  ASSERT_TRUE(seal_format(format, before, key, rng_));
  const auto reread = FormatBlob::parse(format.write());
  ASSERT_TRUE(reread) << reread.error().message();
  EXPECT_EQ(write_format(*open_format(*reread, key)), kPlain);
  const auto wrong = open_format(*reread, Secret(Bytes(32, 'x')));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), Code::Unauthenticated);
}

TEST_F(KopiaFormat, UnitsAreSealedAsTheVectorsSay) {
  const FormatParameters format = *parse_format(kPlain);
  const auto cipher = UnitCipher::create(format, rng_);
  ASSERT_TRUE(cipher);
  const auto hex_of = [&](BytesView data) {
    return ContentId::of(0, (*cipher)->hash().hash(data), (*cipher)->hash().size()).text();
  };
  EXPECT_EQ(hex_of(""), "1ee44cffe872835065dcda4e0e1c5b53");
  EXPECT_EQ(hex_of("Hello, backup!\n"), "1c1070dec0a2b1c4f0bde77207ccf8cc");
  const Bytes stored = *hex_decode(
      "f082f314671f6c33c43b3ce6a0c3c1fb9abe9b4bb6d0a7e5a37c4ffdef843caa1089dc0f454a6193010f7b");
  Aead aead;
  Buffer plain;
  const Bytes iv = *hex_decode("1c1070dec0a2b1c4f0bde77207ccf8cc");
  ASSERT_TRUE((*cipher)->open(iv, stored, aead, plain));
  EXPECT_EQ(plain.view(), "Hello, backup!\n");
  Bytes broken = stored;
  broken[20] = static_cast<char>(broken[20] ^ 1);
  const auto refused = (*cipher)->open(iv, broken, aead, plain);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::Corrupt);
}

TEST_F(KopiaFormat, PostambleIsFoundAndWrittenAsTheVectorSays) {
  const Bytes bytes = *hex_decode("01101275a4fdc872673be598082ecb355e1b80a0d002f10169f182381c");
  const auto found = find_postamble("what came before" + bytes);
  ASSERT_TRUE(found);
  EXPECT_EQ(hex_encode(found->iv), "1275a4fdc872673be598082ecb355e1b");
  EXPECT_EQ(found->offset, 5509120U);
  EXPECT_EQ(found->length, 241U);
  EXPECT_EQ(*write_postamble(*found), bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ 0x20);
    EXPECT_FALSE(find_postamble(broken)) << i;
  }
}

TEST(KopiaFormatLimits, WhatIsNotKnownIsRefusedByName) {
  EXPECT_EQ(refusal(with("version", 4)), "format version 4 of kopia repositories is not known");
  EXPECT_EQ(refusal(with("indexVersion", 3)), "index version 3 is not known");
  Json ecc = *parse_json(kPlain);
  ecc.as_object()["format"].as_object()["ecc"] = "REED-SOLOMON-CRC32";
  ecc.as_object()["format"].as_object()["eccOverheadPercent"] = 2;
  EXPECT_EQ(refusal(write_json_unsorted(ecc)),
            "the repository uses error correction (REED-SOLOMON-CRC32), which is not known");
  EXPECT_EQ(refusal(with("requiredFeatures",
                         *parse_json(R"([{"feature":"x","ifNotUnderstood":{"warn":false}}])"))),
            "the repository requires the feature \"x\", which is not known");
  EXPECT_EQ(refusal(with("requiredFeatures",
                         *parse_json(R"([{"feature":"x","ifNotUnderstood":{"warn":true}}])"))),
            "");
  EXPECT_EQ(refusal(with("upgradeLock", *parse_json(R"({"ownerID":"me@there"})"))),
            "the repository is being upgraded by me@there");
  EXPECT_NE(refusal(with("masterKey", "AAAA")), "");
}

TEST(KopiaObjectId, IsReadAndWritten) {
  for (const std::string text :
       {"07344d735a765db35a52921af1cb58de", "k4dbeba3ede44295e23c4ef53da99bad5",
        "Ix4dbeba3ede44295e23c4ef53da99bad5", "IIx00ff", "Zk00ff"}) {
    const auto id = ObjectId::parse(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id->to_string(), text);
  }
  EXPECT_EQ(ObjectId::parse("D00ff")->to_string(), "00ff");
  for (const std::string text :
       {"", "k", "I", "x0", "kk00", "IZ00ff", "00fg", "k 0ff", "IIIIIIIIIIx00"}) {
    EXPECT_FALSE(ObjectId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace lateen::repository::kopia
