#include "repository/crypto/keyed_hash.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "repository/crypto/blake2b.h"
#include "repository/crypto/blake2s.h"
#include "repository/crypto/blake3.h"
#include "repository/crypto/kdf.h"
#include "repository/crypto/openssl_digest.h"
#include "repository/crypto/sha256_pair.h"
#include "repository/crypto/simd.h"

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

  std::size_t lanes() const override { return Blake2bKeyed::lanes(); }

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

  // Two by two, those of similar lengths together.
  void hash_many(std::span<const BytesView> data, std::span<HashBytes> out) const override {
    if (!cpu_features().sha_ni || data.size() < 2) return KeyedHash::hash_many(data, out);
    std::vector<std::size_t> order(data.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&data](std::size_t a, std::size_t b) { return data[a].size() > data[b].size(); });
    std::size_t i = 0;
    for (; i + 1 < order.size(); i += 2) {
      const std::size_t a = order[i];
      const std::size_t b = order[i + 1];
      sha256_pair(data[a], data[b], out[a], out[b]);
    }
    if (i < order.size()) out[order[i]] = sha256(data[order[i]]);
  }

  std::size_t lanes() const override { return cpu_features().sha_ni ? 2 : 1; }

 private:
  static void sha256_pair(BytesView a, BytesView b, HashBytes& out_a, HashBytes& out_b) {
    std::uint32_t state_a[8];
    std::uint32_t state_b[8];
    sha256_start(state_a);
    sha256_start(state_b);
    const std::size_t blocks = std::min(a.size(), b.size()) / 64;
    sha256_blocks_pair(state_a, reinterpret_cast<const std::uint8_t*>(a.data()), state_b,
                       reinterpret_cast<const std::uint8_t*>(b.data()), blocks);
    sha256_from(state_a, 64 * blocks, a.substr(64 * blocks), out_a.data());
    sha256_from(state_b, 64 * blocks, b.substr(64 * blocks), out_b.data());
  }
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
