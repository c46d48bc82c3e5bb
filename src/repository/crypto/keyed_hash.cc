#include "repository/crypto/keyed_hash.h"

#include <algorithm>
#include <cstring>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "repository/crypto/blake2b.h"
#include "repository/crypto/blake2s.h"
#include "repository/crypto/blake3.h"
#include "repository/crypto/kdf.h"

namespace lateen::repository {

void KeyedHash::hash_many(std::span<const BytesView> data, std::span<HashBytes> out) const {
  for (std::size_t i = 0; i < data.size(); ++i)
    out[i] = hash(data[i]);
}

namespace {

class Blake2bHash final : public KeyedHash {
 public:
  Blake2bHash(BytesView secret, std::size_t size) : blake_(secret, 32), size_(size) {}

  std::size_t size() const override { return size_; }

  HashBytes hash(BytesView data) const override { return blake_.hash(data); }

  void hash_many(std::span<const BytesView> data, std::span<HashBytes> out) const override {
    blake_.hash_many(data, out);
  }

 private:
  const Blake2bKeyed blake_;
  const std::size_t size_;
};

class Blake2sHash final : public KeyedHash {
 public:
  Blake2sHash(BytesView secret, std::size_t size) : blake_(secret, size), size_(size) {}

  std::size_t size() const override { return size_; }

  HashBytes hash(BytesView data) const override { return blake_.hash(data); }

 private:
  const Blake2sKeyed blake_;
  const std::size_t size_;
};

class Blake3Hash final : public KeyedHash {
 public:
  Blake3Hash(const Blake3Key& key, std::size_t size) : key_(key), size_(size) {}

  std::size_t size() const override { return size_; }

  HashBytes hash(BytesView data) const override { return blake3_keyed(key_, data); }

 private:
  const Blake3Key key_;
  const std::size_t size_;
};

class HmacSha256Hash final : public KeyedHash {
 public:
  HmacSha256Hash(BytesView secret, std::size_t size) : hmac_(secret), size_(size) {}

  std::size_t size() const override { return size_; }

  HashBytes hash(BytesView data) const override {
    HashBytes out;
    hmac_.compute(data, out.data());
    return out;
  }

 private:
  const HmacSha256 hmac_;
  const std::size_t size_;
};

// HMAC over the digests that are seldom chosen.
class HmacHash final : public KeyedHash {
 public:
  HmacHash(const EVP_MD* digest, BytesView secret, std::size_t size)
      : digest_(digest), secret_(secret), size_(size) {}

  std::size_t size() const override { return size_; }

  HashBytes hash(BytesView data) const override {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const auto* const done =
        HMAC(digest_, secret_.data(), static_cast<int>(secret_.size()),
             reinterpret_cast<const unsigned char*>(data.data()), data.size(), out, &length);
    LATEEN_ASSERT(done != nullptr, "HMAC over memory can't fail");
    HashBytes bytes{};
    std::copy_n(out, std::min<std::size_t>(length, kMaxHashSize), bytes.begin());
    return bytes;
  }

 private:
  const EVP_MD* const digest_;
  const Bytes secret_;
  const std::size_t size_;
};

class Sha256Hash final : public KeyedHash {
 public:
  std::size_t size() const override { return 32; }

  HashBytes hash(BytesView data) const override { return sha256(data); }
};

constexpr std::string_view kNames[] = {"BLAKE2B-256-128", "BLAKE2B-256",    "BLAKE2S-128",
                                       "BLAKE2S-256",     "BLAKE3-256-128", "BLAKE3-256",
                                       "HMAC-SHA256-128", "HMAC-SHA256",    "HMAC-SHA224",
                                       "HMAC-SHA3-224",   "HMAC-SHA3-256"};

Blake3Key blake3_key_of(BytesView secret) {
  if (secret.size() >= 32) return blake3_key(secret.substr(0, 32));
  const HashBytes derived = blake3_derive("kopia blake3 derived key v1", secret);
  return blake3_key({reinterpret_cast<const char*>(derived.data()), derived.size()});
}

}  // namespace

std::span<const std::string_view> keyed_hash_names() {
  return kNames;
}

Result<std::unique_ptr<KeyedHash>> make_keyed_hash(std::string_view name, BytesView secret) {
  if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) {
    return Error(Code::Unsupported, "there is no hash \"{}\"", name);
  }
  const std::size_t limit = name.starts_with("BLAKE2B")   ? 64
                            : name.starts_with("BLAKE2S") ? 32
                                                          : 4096;
  if (secret.empty() || secret.size() > limit) {
    return Error(Code::InvalidArgument, "{} takes a secret of 1 to {} bytes, not {}", name, limit,
                 secret.size());
  }
  std::unique_ptr<KeyedHash> hash;
  if (name == "BLAKE2B-256-128") hash = std::make_unique<Blake2bHash>(secret, 16U);
  if (name == "BLAKE2B-256") hash = std::make_unique<Blake2bHash>(secret, 32U);
  if (name == "BLAKE2S-128") hash = std::make_unique<Blake2sHash>(secret, 16U);
  if (name == "BLAKE2S-256") hash = std::make_unique<Blake2sHash>(secret, 32U);
  if (name == "BLAKE3-256-128") hash = std::make_unique<Blake3Hash>(blake3_key_of(secret), 16U);
  if (name == "BLAKE3-256") hash = std::make_unique<Blake3Hash>(blake3_key_of(secret), 32U);
  if (name == "HMAC-SHA256-128") hash = std::make_unique<HmacSha256Hash>(secret, 16U);
  if (name == "HMAC-SHA256") hash = std::make_unique<HmacSha256Hash>(secret, 32U);
  if (name == "HMAC-SHA224") hash = std::make_unique<HmacHash>(EVP_sha224(), secret, 28U);
  if (name == "HMAC-SHA3-224") hash = std::make_unique<HmacHash>(EVP_sha3_224(), secret, 28U);
  if (name == "HMAC-SHA3-256") hash = std::make_unique<HmacHash>(EVP_sha3_256(), secret, 32U);
  return hash;
}

std::unique_ptr<KeyedHash> make_sha256_hash() {
  return std::make_unique<Sha256Hash>();
}

}  // namespace lateen::repository
