#include "base/ed25519.h"

#include <array>
#include <memory>

#include <openssl/evp.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace lateen {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kSignatureSize = 64;

// What stands before the 32 bytes in DER: RFC 8410's SubjectPublicKeyInfo and OneAsymmetricKey.
constexpr std::string_view kPublicPrefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
constexpr std::string_view kPrivatePrefix(
    "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);

constexpr std::string_view kPublicLabel = "PUBLIC KEY";
constexpr std::string_view kPrivateLabel = "PRIVATE KEY";

using PkeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* uchars(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string to_pem_text(std::string_view label, std::string_view der) {
  return fmt::format("-----BEGIN {}-----\n{}\n-----END {}-----\n", label, base64_encode(der),
                     label);
}

// The 32 bytes behind the prefix. The error says nothing of the content.
Result<std::string> key_of_pem(std::string_view pem,
                               std::string_view label,
                               std::string_view prefix) {
  const std::string begin = fmt::format("-----BEGIN {}-----", label);
  const std::string end = fmt::format("-----END {}-----", label);
  const auto from = pem.find(begin);
  const auto to = pem.find(end);
  if (from != pem.npos && to != pem.npos && from + begin.size() <= to) {
    auto der = base64_decode(trim(pem.substr(from + begin.size(), to - from - begin.size())));
    if (der && der->size() == prefix.size() + kKeySize && der->starts_with(prefix))
      return der->substr(prefix.size());
  }
  return Error(Code::InvalidArgument, "this is no Ed25519 {} in PEM", to_lower(label));
}

PkeyPtr private_pkey(const Secret& seed) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, uchars(seed.reveal()), kKeySize),
          &EVP_PKEY_free};
}

}  // namespace

Result<Ed25519PublicKey> Ed25519PublicKey::from_raw(BytesView raw) {
  if (raw.size() != kKeySize)
    return Error(Code::InvalidArgument, "an Ed25519 public key has 32 bytes, not {}", raw.size());
  return Ed25519PublicKey(Bytes(raw));
}

Result<Ed25519PublicKey> Ed25519PublicKey::from_pem(std::string_view pem) {
  return from_raw(TRY(key_of_pem(pem, kPublicLabel, kPublicPrefix)));
}

std::string Ed25519PublicKey::to_pem() const {
  return to_pem_text(kPublicLabel, std::string(kPublicPrefix) + raw_);
}

std::string Ed25519PublicKey::id() const {
  return sha256_hex(raw_).substr(0, 16);
}

bool Ed25519PublicKey::verifies(BytesView message, BytesView signature) const {
  if (signature.size() != kSignatureSize) return false;
  const PkeyPtr key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, uchars(raw_), raw_.size()),
      &EVP_PKEY_free);
  const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  return key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), uchars(signature), signature.size(), uchars(message),
                          message.size()) == 1;
}

Result<Ed25519Key> Ed25519Key::from_seed(Secret seed) {
  const PkeyPtr key = private_pkey(seed);
  std::array<unsigned char, kKeySize> raw = {};
  std::size_t size = raw.size();
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size) != 1)
    return Error(Code::Internal, "OpenSSL makes no Ed25519 key");
  auto public_key =
      TRY(Ed25519PublicKey::from_raw({reinterpret_cast<const char*>(raw.data()), size}));
  return Ed25519Key(std::move(seed), std::move(public_key));
}

Result<Ed25519Key> Ed25519Key::generate(Rng& rng) {
  std::array<std::byte, kKeySize> random = {};
  rng.fill(random);
  return from_seed(
      Secret(std::string(reinterpret_cast<const char*>(random.data()), random.size())));
}

Result<Ed25519Key> Ed25519Key::from_pem(const Secret& pem) {
  return from_seed(Secret(TRY(key_of_pem(pem.reveal(), kPrivateLabel, kPrivatePrefix))));
}

Secret Ed25519Key::to_pem() const {
  return Secret(
      to_pem_text(kPrivateLabel, std::string(kPrivatePrefix) + std::string(seed_.reveal())));
}

Result<Bytes> Ed25519Key::sign(BytesView message) const {
  const PkeyPtr key = private_pkey(seed_);
  const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  Bytes signature(kSignatureSize, '\0');
  std::size_t size = signature.size();
  if (key == nullptr || context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     uchars(message), message.size()) != 1 ||
      size != kSignatureSize) {
    return Error(Code::Internal, "OpenSSL does not sign");
  }
  return signature;
}

}  // namespace lateen
