// BLAKE2b under a key (RFC 7693). The state after the key's block is kept, so that a hash costs
// only its data's blocks; many messages are hashed in the lanes of SIMD registers.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::repository {

// Thread-safe: immutable.
class Blake2bKeyed {
 public:
  // `key` has 1 to 64 bytes, the digest 1 to 32.
  Blake2bKeyed(BytesView key, std::size_t digest_size);

  HashBytes hash(BytesView data) const;
  void hash_many(std::span<const BytesView> data, std::span<HashBytes> out) const;

  // The lanes of this machine's fastest code: 8, 4 or 1. For tests, others may be asked for.
  static std::size_t lanes();
  void hash_many(std::span<const BytesView> data,
                 std::span<HashBytes> out,
                 std::size_t lanes) const;

 private:
  std::array<std::uint64_t, 8> keyed_{};  // after the key's block
  HashBytes empty_{};                     // of no data, when the key's block is the last
};

}  // namespace lateen::repository
