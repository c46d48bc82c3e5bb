#include "repository/crypto/keyed_hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "repository/crypto/blake2b.h"
#include "repository/crypto/blake3.h"
#include "repository/crypto/simd.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using testing::test_bytes;

std::string hex_of(const KeyedHash& hash, BytesView data) {
  const HashBytes digest = hash.hash(data);
  return hex_encode({reinterpret_cast<const char*>(digest.data()), hash.size()});
}

Bytes consecutive(unsigned char first, std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i)
    out += static_cast<char>(first + i);
  return out;
}

struct HashCase {
  const char* name;
  const char* digest;
};

// kopia-format.md section 22: secret 80…9f over "kopia format vector", by kopia 0.23.1.
class KopiaHashes : public ::testing::TestWithParam<HashCase> {};

TEST_P(KopiaHashes, GiveKopiasDigests) {
  const auto hash = make_keyed_hash(GetParam().name, consecutive(0x80, 32));
  ASSERT_TRUE(hash);
  EXPECT_EQ(hex_of(**hash, "kopia format vector"), GetParam().digest);
}

INSTANTIATE_TEST_SUITE_P(
    KeyedHash,
    KopiaHashes,
    ::testing::Values(
        HashCase{"BLAKE2B-256-128", "9fa901b5e7e3eafc9073dc4db8333783"},
        HashCase{"BLAKE2B-256", "9fa901b5e7e3eafc9073dc4db83337838c59530df1678c44a5b0427ac76dc252"},
        HashCase{"BLAKE2S-128", "06389aa101434ee21cc4fd236fa135ea"},
        HashCase{"BLAKE2S-256", "f5a796a2ed1ee63e7f1ff8fc5c04720827853b7b4f23fb72e4982ca5229d455b"},
        HashCase{"BLAKE3-256", "207534278d4a49b0afe7e6438512e0e56c3d6ba88f7bba3d058d58bad1d57232"},
        HashCase{"BLAKE3-256-128", "207534278d4a49b0afe7e6438512e0e5"},
        HashCase{"HMAC-SHA256", "a2a7a87e2ad117b6dd14b7d886b959b0bc34cc2d034ff83b55ae9be5a4c47fde"},
        HashCase{"HMAC-SHA256-128", "a2a7a87e2ad117b6dd14b7d886b959b0"},
        HashCase{"HMAC-SHA224", "743f35c42c1c68bb3a2998e803fe0de528d5928f577dabfb4105978b"},
        HashCase{"HMAC-SHA3-224", "64f03cef53cd23354d21c62eb3b2a4447782bceac034cda1a72a3ae4"},
        HashCase{"HMAC-SHA3-256",
                 "37b9e1885576b6e5c73995e856babab8d82aa536bee8ff3397e8de2d0b50eb30"}),
    [](const auto& tested) {
      std::string name = tested.param.name;
      std::erase(name, '-');
      return name;
    });

TEST(KeyedHash, HashesTheEmptyTextAsKopiaDoes) {
  const auto secret = base64_decode("1S9HG5zcIMGN/cFjW+2OznYQgpUKwJkB8HcQQVbrAL8=");
  const auto hash = make_keyed_hash("BLAKE2B-256-128", *secret);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hex_of(**hash, ""), "1ee44cffe872835065dcda4e0e1c5b53");
  EXPECT_EQ(hex_of(**hash, "Hello, backup!\n"), "1c1070dec0a2b1c4f0bde77207ccf8cc");
}

TEST(KeyedHash, NamesTheHashThatItDoesNotHave) {
  const auto hash = make_keyed_hash("MD5", "secret");
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().code(), Code::Unsupported);
  EXPECT_EQ(hash.error().message(), "there is no hash \"MD5\"");
}

TEST(KeyedHash, RefusesASecretThatDoesNotFit) {
  EXPECT_EQ(make_keyed_hash("BLAKE2S-128", Bytes(33, 'x')).error().code(), Code::InvalidArgument);
  EXPECT_EQ(make_keyed_hash("BLAKE2B-256", "").error().code(), Code::InvalidArgument);
}

// RFC 7693's test vectors of BLAKE2b are unkeyed or of 64 bytes; these are of the reference
// implementation's KAT for 32-byte digests by Python's hashlib.
TEST(Blake2b, GivesTheSameForEveryLengthInEveryLane) {
  const Blake2bKeyed blake(consecutive(0, 32), 32);
  const Bytes text = test_bytes(7, 5000);
  std::vector<BytesView> messages;
  for (std::size_t length = 0; length <= 1100; ++length) {
    messages.push_back(BytesView(text).substr(length % 13, length));
  }
  messages.push_back(text);
  std::vector<HashBytes> expected;
  for (const BytesView message : messages)
    expected.push_back(blake.hash(message));
  for (const std::size_t lanes : {std::size_t{4}, std::size_t{8}}) {
    if (lanes == 8 && !cpu_features().avx512) continue;
    if (!cpu_features().avx2) continue;
    std::vector<HashBytes> got(messages.size());
    blake.hash_many(messages, got, lanes);
    EXPECT_EQ(got, expected) << lanes << " lanes";
  }
}

TEST(Blake2b, HashesFewerMessagesThanLanes) {
  const Blake2bKeyed blake("key", 32);
  const Bytes text = test_bytes(9, 100'000);
  const std::vector<BytesView> messages = {BytesView(text).substr(0, 70'000), "", "short"};
  std::vector<HashBytes> got(3);
  blake.hash_many(messages, got);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(got[i], blake.hash(messages[i]));
}

TEST(Blake3, GivesTheSameWithEveryNumberOfLanes) {
  const Blake3Key key = blake3_key(consecutive(5, 32));
  const Bytes text = test_bytes(11, 200'000);
  for (const std::size_t size : {0, 1, 64, 65, 1023, 1024, 1025, 2048, 3072, 16384, 16385, 31744,
                                 65536, 100'000, 131072, 199'999}) {
    const BytesView message = BytesView(text).substr(0, size);
    const HashBytes expected = blake3_keyed(key, message, 1);
    if (cpu_features().avx2) {
      EXPECT_EQ(blake3_keyed(key, message, 8), expected) << size;
    }
    if (cpu_features().avx512) {
      EXPECT_EQ(blake3_keyed(key, message, 16), expected) << size;
    }
  }
}

// BLAKE3's own test_vectors.json: key "whats the Elvish word for friend", input 0, 1, …, 250, 0, …
TEST(Blake3, GivesTheVectorsOfItsAuthors) {
  const Blake3Key key = blake3_key("whats the Elvish word for friend");
  Bytes input;
  for (std::size_t i = 0; i < 31744; ++i)
    input += static_cast<char>(i % 251);
  const auto digest = [&](std::size_t size) {
    const HashBytes out = blake3_keyed(key, BytesView(input).substr(0, size));
    return hex_encode({reinterpret_cast<const char*>(out.data()), out.size()});
  };
  EXPECT_EQ(digest(0), "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26");
  EXPECT_EQ(digest(1), "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b");
}

}  // namespace
}  // namespace lateen::repository
