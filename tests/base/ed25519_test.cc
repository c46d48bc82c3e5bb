#include "base/ed25519.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace lateen {
namespace {

// RFC 8032, section 7.1, TEST 1: an empty message. The PEM is what `openssl pkey` prints for it.
constexpr const char* kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr const char* kSignature =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
    "6b"
    "d25bf5f0595bbe24655141438e7a100b";
constexpr const char* kPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

TEST(Ed25519, SignsAsTheRfcDoes) {
  const auto key = Ed25519Key::from_pem(Secret(kPem));
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_EQ(hex_encode(key->public_key().raw()), kPublic);
  EXPECT_EQ(hex_encode(key->sign("").value()), kSignature);
  EXPECT_EQ(key->to_pem().reveal(), kPem);
}

TEST(Ed25519, RefusesAChangedMessageSignatureAndKey) {
  const auto key = Ed25519PublicKey::from_raw(hex_decode(kPublic).value()).value();
  Bytes signature = hex_decode(kSignature).value();
  EXPECT_TRUE(key.verifies("", signature));
  EXPECT_FALSE(key.verifies("x", signature));
  signature[5] ^= 1;
  EXPECT_FALSE(key.verifies("", signature));
  EXPECT_FALSE(key.verifies("", signature.substr(1)));
  Bytes other = hex_decode(kPublic).value();
  other[0] ^= 1;
  EXPECT_FALSE(
      Ed25519PublicKey::from_raw(other).value().verifies("", hex_decode(kSignature).value()));
}

TEST(Ed25519, ReadsThePublicKeysThatOpensslWrites) {
  // openssl genpkey -algorithm ed25519 | openssl pkey -pubout (OpenSSL 3.0.19)
  constexpr const char* kOpenssl =
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAuFswYr5DDTAplAfV1RdaEMFwoiL+fbO/t0q9DPo367w=\n"
      "-----END PUBLIC KEY-----\n";
  const auto key = Ed25519PublicKey::from_pem(kOpenssl);
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_EQ(key->to_pem(), kOpenssl);
}

TEST(Ed25519, RefusesWhatIsNoKeyWithoutSayingWhatItIs) {
  const auto key = Ed25519Key::from_pem(Secret("-----BEGIN RSA PRIVATE KEY-----\nabc\n"));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message(), "this is no Ed25519 private key in PEM");
}

}  // namespace
}  // namespace lateen
