// Encrypts and decrypts the small things of a repository (everything but blobs, which go through
// the engine) under one key.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "repository/crypto/ctr_poly1305.h"
#include "repository/restic/documents.h"

namespace lateen::repository::restic {

CtrPolyKey to_cipher_key(const MasterKey& key);

// Never all zeros: readers refuse that.
class FreshIv {
 public:
  explicit FreshIv(Rng& rng);

  BytesView view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, kCtrPolyIvSize> bytes_ = {};
};

// iv || ciphertext || mac.
Bytes seal_unit(const CtrPolyKey& key, BytesView plain, Rng& rng);

// Corrupt if it was not sealed under this key.
Result<Bytes> open_unit(const CtrPolyKey& key, BytesView unit);

}  // namespace lateen::repository::restic
