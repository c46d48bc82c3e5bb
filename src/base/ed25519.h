// Ed25519 signatures, by OpenSSL. Keys in PEM as the openssl program reads and writes them:
//
//   openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in message -sigfile signature
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace lateen {

// A public key. Immutable.
class Ed25519PublicKey {
 public:
  // "-----BEGIN PUBLIC KEY-----". InvalidArgument if it is no Ed25519 key.
  static Result<Ed25519PublicKey> from_pem(std::string_view pem);
  static Result<Ed25519PublicKey> from_raw(BytesView raw);

  std::string to_pem() const;

  const Bytes& raw() const { return raw_; }

  // The first 16 hexadecimal digits of the raw key's SHA-256: what people compare.
  std::string id() const;

  bool verifies(BytesView message, BytesView signature) const;

  bool operator==(const Ed25519PublicKey&) const = default;

 private:
  explicit Ed25519PublicKey(Bytes raw) : raw_(std::move(raw)) {}

  Bytes raw_;  // 32 bytes
};

// A private key with its public one. Immutable.
class Ed25519Key {
 public:
  static Result<Ed25519Key> generate(Rng& rng);
  // "-----BEGIN PRIVATE KEY-----" (PKCS #8, not encrypted). The errors never hold it.
  static Result<Ed25519Key> from_pem(const Secret& pem);

  Secret to_pem() const;

  const Ed25519PublicKey& public_key() const { return public_key_; }

  // 64 bytes.
  Result<Bytes> sign(BytesView message) const;

 private:
  Ed25519Key(Secret seed, Ed25519PublicKey public_key)
      : seed_(std::move(seed)), public_key_(std::move(public_key)) {}

  static Result<Ed25519Key> from_seed(Secret seed);

  Secret seed_;  // 32 bytes
  Ed25519PublicKey public_key_;
};

}  // namespace lateen
