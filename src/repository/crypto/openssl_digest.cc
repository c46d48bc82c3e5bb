// The functions are called "deprecated" for not being able to change their provider; for hashing
// many small texts they are the ones that cost nothing but the hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "repository/crypto/openssl_digest.h"

#include <algorithm>

#include <openssl/sha.h>

namespace lateen::repository {

HashBytes sha256(BytesView data) {
  HashBytes out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(out.data(), &context);
  return out;
}

void sha256_start(std::uint32_t* words) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::copy(std::begin(context.h), std::end(context.h), words);
}

void sha256_block_state(const std::uint8_t* block, std::uint32_t* words) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, block, SHA256_CBLOCK);
  std::copy(std::begin(context.h), std::end(context.h), words);
}

void sha256_from(const std::uint32_t* words,
                 std::uint64_t bytes,
                 BytesView data,
                 std::uint8_t* out) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::copy(words, words + 8, std::begin(context.h));
  context.Nl = static_cast<SHA_LONG>(bytes << 3);
  context.Nh = static_cast<SHA_LONG>(bytes >> 29);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(out, &context);
}

}  // namespace lateen::repository
