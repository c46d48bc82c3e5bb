// Keys from passwords and keys from keys.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace lateen::repository {

struct ScryptCost {
  std::uint64_t n = 65536;  // a power of two
  std::uint64_t r = 8;
  std::uint64_t p = 1;

  bool operator==(const ScryptCost&) const = default;
};

// InvalidArgument for a cost that scrypt does not have, or that would take more than 1 GiB: it
// comes from a repository's file.
Result<Bytes> scrypt(const Secret& password,
                     BytesView salt,
                     const ScryptCost& cost,
                     std::size_t size);

Result<Bytes> pbkdf2_sha256(const Secret& password,
                            BytesView salt,
                            std::uint32_t rounds,
                            std::size_t size);

Bytes hkdf_sha256(BytesView key, BytesView salt, BytesView info, std::size_t size);

// HMAC-SHA256 under one key, many times: the states after the key's block are kept. Immutable.
class HmacSha256 {
 public:
  explicit HmacSha256(BytesView key);
  // Writes 32 bytes.
  void compute(BytesView data, std::uint8_t* out) const;

 private:
  std::uint32_t inner_[8];
  std::uint32_t outer_[8];
};

// AES-128 of one block, and whether two texts are equal in a time that does not tell where they
// differ.
void aes128_block(BytesView key, BytesView block, std::uint8_t* out);
bool equal_in_constant_time(BytesView a, BytesView b);

}  // namespace lateen::repository
