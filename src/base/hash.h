// Digests, by OpenSSL: the only door to its hashes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace lateen {

enum class HashAlgorithm { Md5, Sha1, Sha256, Sha512, Sha3_224, Sha3_256 };

// A digest of bytes that come in pieces. After finish() it starts anew. Not thread-safe.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  void update(BytesView bytes);

  // The raw digest.
  Bytes finish();
  std::string finish_hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The most used one. Not thread-safe.
class Sha256 : public Hasher {
 public:
  static constexpr std::size_t kSize = 32;

  Sha256() : Hasher(HashAlgorithm::Sha256) {}
};

Bytes hash(HashAlgorithm algorithm, BytesView bytes);
std::string hash_hex(HashAlgorithm algorithm, BytesView bytes);

std::string sha256_hex(BytesView bytes);
std::string sha3_224_hex(BytesView bytes);
std::string md5_hex(BytesView bytes);
std::string md5_base64(BytesView bytes);

// 32 raw bytes.
Bytes hmac_sha256(BytesView key, BytesView bytes);

}  // namespace lateen
