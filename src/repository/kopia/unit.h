// The keys of an opened repository, and what is done with them: names by keyed hash, units by
// authenticated encryption under a key of their own. A unit is a content, or a whole blob (an
// index, a session marker):
//
//   nonce (12) || ciphertext || tag (16)     key = HMAC(K, iv), associated data = iv
//
// where the iv is the end of the hash of what is inside, so a unit cannot stand for another.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "repository/buffer.h"
#include "repository/crypto/aead.h"
#include "repository/crypto/kdf.h"
#include "repository/crypto/keyed_hash.h"
#include "repository/kopia/format.h"

namespace lateen::repository::kopia {

// What encryption adds to a unit.
inline constexpr std::uint32_t kUnitOverhead = kAeadNonceSize + kAeadTagSize;

// Thread-safe: immutable. `rng` outlives it.
class UnitCipher {
 public:
  // Unsupported for a hash or cipher that is not known.
  static Result<std::unique_ptr<UnitCipher>> create(const FormatParameters& format, Rng& rng);

  UnitCipher(std::unique_ptr<KeyedHash> hash, AeadCipher cipher, BytesView key, Rng& rng);

  const KeyedHash& hash() const { return *hash_; }

  // Appends a unit.
  void seal(BytesView iv, BytesView plain, Aead& aead, Buffer& out) const;

  // Appends what is in a unit; Corrupt if it is not authentic.
  Status open(BytesView iv, BytesView unit, Aead& aead, Buffer& out) const;

  // A blob that is one unit: its name is `prefix` || hex of the hash || `suffix`.
  struct WholeBlob {
    std::string name;
    Bytes bytes;
  };

  WholeBlob seal_blob(std::string_view prefix, BytesView plain, std::string_view suffix) const;
  // The iv is in the name: the 32 hex digits before its first '-', or at its end.
  Result<Bytes> open_blob(std::string_view name, Bytes stored) const;

 private:
  const std::unique_ptr<KeyedHash> hash_;
  const AeadCipher cipher_;
  const HmacSha256 unit_keys_;
  Rng& rng_;
};

}  // namespace lateen::repository::kopia
