#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.h"
#include "base/result.h"

namespace lateen {

namespace {

// Fetched once: looking an algorithm up by name costs more than hashing a short text with it. They
// live as long as the process, as OpenSSL's own do.
const EVP_MD* algorithm_of(HashAlgorithm algorithm) {
  static const EVP_MD* const kFetched[] = {
      EVP_MD_fetch(nullptr, "MD5", nullptr),      EVP_MD_fetch(nullptr, "SHA1", nullptr),
      EVP_MD_fetch(nullptr, "SHA2-256", nullptr), EVP_MD_fetch(nullptr, "SHA2-512", nullptr),
      EVP_MD_fetch(nullptr, "SHA3-224", nullptr), EVP_MD_fetch(nullptr, "SHA3-256", nullptr)};
  const EVP_MD* const found = kFetched[static_cast<std::size_t>(algorithm)];
  LATEEN_ASSERT(found != nullptr, "OpenSSL's default provider has this digest");
  return found;
}

}  // namespace

struct Hasher::Context {
  explicit Context(const EVP_MD* digest) : md(digest), ctx(EVP_MD_CTX_new()) { start(); }

  ~Context() { EVP_MD_CTX_free(ctx); }

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  Context(Context&&) = delete;
  Context& operator=(Context&&) = delete;

  void start() const {
    const bool started = ctx != nullptr && EVP_DigestInit_ex2(ctx, md, nullptr) == 1;
    LATEEN_ASSERT(started, "a fetched digest can be started");
  }

  const EVP_MD* md;
  EVP_MD_CTX* ctx;
};

Hasher::Hasher(HashAlgorithm algorithm)
    : context_(std::make_unique<Context>(algorithm_of(algorithm))) {}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(BytesView bytes) {
  const int done = EVP_DigestUpdate(context_->ctx, bytes.data(), bytes.size());
  LATEEN_ASSERT(done == 1, "a started digest takes bytes");
}

Bytes Hasher::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const int done = EVP_DigestFinal_ex(context_->ctx, digest, &size);
  LATEEN_ASSERT(done == 1, "a started digest can be finished");
  context_->start();
  return {reinterpret_cast<const char*>(digest), size};
}

std::string Hasher::finish_hex() {
  return hex_encode(finish());
}

Bytes hash(HashAlgorithm algorithm, BytesView bytes) {
  Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

std::string hash_hex(HashAlgorithm algorithm, BytesView bytes) {
  return hex_encode(hash(algorithm, bytes));
}

std::string sha256_hex(BytesView bytes) {
  return hash_hex(HashAlgorithm::Sha256, bytes);
}

std::string sha3_224_hex(BytesView bytes) {
  return hash_hex(HashAlgorithm::Sha3_224, bytes);
}

std::string md5_hex(BytesView bytes) {
  return hash_hex(HashAlgorithm::Md5, bytes);
}

std::string md5_base64(BytesView bytes) {
  return base64_encode(hash(HashAlgorithm::Md5, bytes));
}

Bytes hmac_sha256(BytesView key, BytesView bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const auto* const done =
      HMAC(algorithm_of(HashAlgorithm::Sha256), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest, &size);
  LATEEN_ASSERT(done != nullptr, "HMAC over memory can't fail");
  return {reinterpret_cast<const char*>(digest), size};
}

}  // namespace lateen
