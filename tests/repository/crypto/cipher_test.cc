#include <gtest/gtest.h>

#include "base/encoding.h"
#include "repository/crypto/aead.h"
#include "repository/crypto/ctr_poly1305.h"
#include "repository/crypto/derived_keys.h"
#include "repository/crypto/kdf.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

Bytes consecutive(unsigned char first, std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i)
    out += static_cast<char>(first + i);
  return out;
}

Bytes unit_key() {
  const Bytes content_key = hkdf_sha256(consecutive(0, 32), "encryption", "", 32);
  std::uint8_t key[32];
  HmacSha256(content_key).compute(consecutive(0, 16), key);
  return {reinterpret_cast<const char*>(key), 32};
}

// kopia-format.md section 22, the synthetic vectors.
TEST(KopiaKeys, AreDerivedAsKopiaDerivesThem) {
  EXPECT_EQ(hex_encode(hkdf_sha256(consecutive(0, 32), "encryption", "", 32)),
            "e1f9e09d980a7ab1c7eea06c06e0a3bced0c4fa3b29ccd7e3f12e6f91ff3efe7");
  EXPECT_EQ(hex_encode(unit_key()),
            "c8e9fb7eb4a1397dff739356fa77ccec1b2d0de9e90f1eb98c88329965480812");
}

TEST(Aead, SealsAsKopiaDoes) {
  Aead aead;
  const BytesView plain = "kopia format vector";
  Bytes out(plain.size() + kAeadTagSize, '\0');
  const Bytes key = unit_key();
  const Bytes nonce = consecutive(0x30, 12);
  const Bytes iv = consecutive(0, 16);
  aead.seal(AeadCipher::Aes256Gcm, key, nonce, iv, plain, out.data());
  EXPECT_EQ(hex_encode(out),
            "e3753c90f1f2fb05952d1120ea0d03e52afecabc198a0588641e0214cdc1ac3f1967ca");
  aead.seal(AeadCipher::ChaCha20Poly1305, key, nonce, iv, plain, out.data());
  EXPECT_EQ(hex_encode(out),
            "7a8bb4fd77cf7cba5b6330233184bd692378b619393e4e38c60904059f45bd353b1914");
}

TEST(Aead, OpensWhatItSealedAndNothingElse) {
  Aead aead;
  const Bytes key = consecutive(1, 32);
  const Bytes nonce = consecutive(9, 12);
  for (const AeadCipher cipher : {AeadCipher::Aes256Gcm, AeadCipher::ChaCha20Poly1305}) {
    for (const std::size_t size : {0, 1, 15, 16, 1000, 70'000}) {
      const Bytes plain = testing::test_bytes(3, size);
      Bytes sealed(size + kAeadTagSize, '\0');
      aead.seal(cipher, key, nonce, "iv", plain, sealed.data());
      Bytes opened(size, '\0');
      ASSERT_TRUE(aead.open(cipher, key, nonce, "iv", sealed, opened.data()));
      EXPECT_EQ(opened, plain);
      EXPECT_FALSE(aead.open(cipher, key, nonce, "vi", sealed, opened.data()));
      sealed[size / 2] = static_cast<char>(sealed[size / 2] ^ 0x10);
      EXPECT_FALSE(aead.open(cipher, key, nonce, "iv", sealed, opened.data()));
    }
  }
  EXPECT_FALSE(aead.open(AeadCipher::Aes256Gcm, key, nonce, "", "short", nullptr));
}

CtrPolyKey synthetic_key() {
  CtrPolyKey key;
  for (std::uint8_t i = 0; i < 32; ++i)
    key.encrypt[i] = i;
  for (std::uint8_t i = 0; i < 16; ++i) {
    key.mac_k[i] = static_cast<std::uint8_t>(0x20 + i);
    key.mac_r[i] = static_cast<std::uint8_t>(0xd0 + i);
  }
  return key;
}

// restic-format.md section 21.
TEST(CtrPoly1305, SealsAsResticDoes) {
  CtrPoly1305 cipher(synthetic_key());
  const Bytes iv = consecutive(0x40, 16);
  const auto sealed = [&](BytesView plain) {
    Bytes out(plain.size() + kCtrPolyOverhead, '\0');
    cipher.seal(iv, plain, out.data());
    EXPECT_EQ(out.substr(0, 16), iv);
    return hex_encode(out.substr(16));
  };
  EXPECT_EQ(sealed(""), "859469c07743c7e45b318d151d3d87e9");
  EXPECT_EQ(sealed("hello restic"), "cb1bb353f87ac88ae00f0ba440f8ce93e4c609e47c5aa256a61a145f");
  EXPECT_EQ(
      sealed(Bytes(100, '\0')),
      "a37edf3f975abaef937b62c78d5bb157b0751e93a8ee64418be9bdce50565531e570a3ebade0a704edc9bece44f6"
      "3d73b2f40102bb10e61d50371061e1008466d0f7882a8bfaba7625460b03ef008f8739a203153157338e9ee4d059"
      "9b2e5ae48ebb54cd546cb549e3a6b317e275902823eece02");
}

TEST(CtrPoly1305, RefusesWhatIsNotAuthentic) {
  CtrPoly1305 cipher(synthetic_key());
  Bytes unit(5 + kCtrPolyOverhead, '\0');
  cipher.seal(consecutive(1, 16), "plain", unit.data());
  Bytes out(5, '\0');
  ASSERT_TRUE(cipher.open(unit, out.data()));
  EXPECT_EQ(out, "plain");
  for (std::size_t i = 0; i < unit.size(); ++i) {
    Bytes flipped = unit;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(cipher.open(flipped, out.data())) << i;
  }
  cipher.seal(Bytes(16, '\0'), "plain", unit.data());
  EXPECT_FALSE(cipher.open(unit, out.data())) << "an IV of zeros";
  EXPECT_FALSE(cipher.open("short", out.data()));
}

TEST(Scrypt, DerivesTheKeysOfBothFixtures) {
  const auto salt = base64_decode(
      "j0QUEnSmwfdkYLmwv+0TipXBi7JUToojnnDYLZHXHKgFBd7YxJ9HSnmSy5PlO+bYe9X0zRKdcEMGcgGy2i2oXQ==");
  const auto restic = scrypt(Secret("restic-fixture-pw"), *salt, {.n = 32768, .r = 8, .p = 8}, 64);
  ASSERT_TRUE(restic);
  EXPECT_EQ(hex_encode(*restic),
            "f98ea72ef96e5c51431b9166ba8da614e9544a4796fad998ded683f3739f3f64"
            "f77f59cbb3395b11ff4891e1d9887e143bfac871bd95cb1410560ff95234fe14");
  const auto unique_id =
      hex_decode("6aff0bba41f6b526743e3549da178246e15bb75ed9c03318f5b72c7f0e037b84");
  const auto kopia =
      scrypt(Secret("static-passw0rd"), *unique_id, {.n = 65536, .r = 8, .p = 1}, 32);
  ASSERT_TRUE(kopia);
  EXPECT_EQ(hex_encode(*kopia), "a9301aed867cd741651455340c0abfcdaa81213906141821789b67d265a4c585");
  EXPECT_EQ(hex_encode(hkdf_sha256(*kopia, *unique_id, "AES", 32)),
            "3c7213d250b812f6a57a587d4144fcf976fb520be4c598d675903b3aa41c336a");
}

// Python's hashlib, for even and odd numbers of lanes and odd sizes of blocks.
TEST(Scrypt, GivesWhatOthersGiveForAnyNumberOfLanes) {
  const auto derived = [](std::uint64_t n, std::uint64_t r, std::uint64_t p) {
    return hex_encode(*scrypt(Secret("password"), "NaCl", {.n = n, .r = r, .p = p}, 32));
  };
  EXPECT_EQ(derived(16, 1, 1), "aec6b7483ed26e08802b41f4032086a0e886be7ac48fcfd92ff0cef8109752f4");
  EXPECT_EQ(derived(2, 1, 2), "d0e1674cb3a2dfb004e6fec00611df8e3f010d50a92c2de30d575f4fc1e98a7e");
  EXPECT_EQ(derived(1024, 8, 3),
            "26a658b50db3d61d6c21d9e9e708593d3ab85bd134f4c49a7c73e982860ccc18");
  EXPECT_EQ(derived(512, 3, 5), "89ac3300076b8f7da58fce8bf5c1d46a6a102c386967b6bc8e1f795cddddc33c");
  EXPECT_EQ(derived(1024, 8, 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
}

TEST(Scrypt, RefusesACostThatNoMachineHas) {
  EXPECT_EQ(scrypt(Secret("x"), "salt", {.n = 1ULL << 24, .r = 1024, .p = 1}, 32).error().code(),
            Code::InvalidArgument);
  EXPECT_EQ(scrypt(Secret("x"), "salt", {.n = 12345, .r = 8, .p = 1}, 32).error().code(),
            Code::InvalidArgument);
}

// Python's hashlib. More than are kept, each asked twice: what is known of one is never another's.
TEST(DerivedKeys, AreThoseThatScryptGives) {
  DerivedKeys known;
  const auto derived = [&known](const std::string& password, BytesView salt, const ScryptCost& cost,
                                std::size_t size) {
    return Bytes(known.scrypt(Secret(password), salt, cost, size)->reveal());
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(hex_encode(derived("password", "NaCl", {.n = 16, .r = 1, .p = 1}, 32)),
              "aec6b7483ed26e08802b41f4032086a0e886be7ac48fcfd92ff0cef8109752f4");
    EXPECT_EQ(hex_encode(derived("password", "NaCl", {.n = 2, .r = 1, .p = 2}, 32)),
              "d0e1674cb3a2dfb004e6fec00611df8e3f010d50a92c2de30d575f4fc1e98a7e");
    EXPECT_EQ(hex_encode(derived("password", "NaCl", {.n = 16, .r = 1, .p = 1}, 4)), "aec6b748");
    for (int i = 0; i < 70; ++i) {
      const std::string password = fmt::format("p{}", i);
      EXPECT_EQ(derived(password, "NaCl", {.n = 2, .r = 1, .p = 1}, 32),
                *scrypt(Secret(password), "NaCl", {.n = 2, .r = 1, .p = 1}, 32));
      EXPECT_EQ(derived("p0", password, {.n = 2, .r = 1, .p = 1}, 32),
                *scrypt(Secret("p0"), password, {.n = 2, .r = 1, .p = 1}, 32));
    }
  }
}

// RFC 7914 section 11.
TEST(Pbkdf2, GivesTheVectorOfTheRfc) {
  const auto key = pbkdf2_sha256(Secret("Password"), "NaCl", 80000, 32);
  ASSERT_TRUE(key);
  EXPECT_EQ(hex_encode(*key), "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

}  // namespace
}  // namespace lateen::repository
