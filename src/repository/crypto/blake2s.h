// BLAKE2s under a key (RFC 7693): one of kopia's hashes, seldom chosen.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::repository {

// Thread-safe: immutable.
class Blake2sKeyed {
 public:
  // `key` has 1 to 32 bytes, the digest 1 to 32.
  Blake2sKeyed(BytesView key, std::size_t digest_size);
  HashBytes hash(BytesView data) const;

 private:
  std::array<std::uint32_t, 8> keyed_{};
  HashBytes empty_{};
};

}  // namespace lateen::repository
