// The hashes that name contents. One object per repository: it holds the key, and states prepared
// from it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::repository {

inline constexpr std::size_t kMaxHashSize = 32;
using HashBytes = std::array<std::uint8_t, kMaxHashSize>;  // the first size() bytes count

// Thread-safe: immutable once made.
class KeyedHash {
 public:
  KeyedHash() = default;
  KeyedHash(const KeyedHash&) = delete;
  KeyedHash& operator=(const KeyedHash&) = delete;
  virtual ~KeyedHash() = default;

  // Bytes of a digest: 16, 28 or 32.
  virtual std::size_t size() const = 0;

  virtual HashBytes hash(BytesView data) const = 0;

  // out[i] = hash(data[i]), several at a time in SIMD lanes where the algorithm and the machine
  // allow it. Worth it from four messages on; lengths may differ (similar lengths are best).
  virtual void hash_many(std::span<const BytesView> data, std::span<HashBytes> out) const;

  // How many messages hash_many() takes at once: large ones are worth collecting up to here.
  virtual std::size_t lanes() const { return 1; }
};

// By kopia's name ("BLAKE2B-256-128", "HMAC-SHA256-128", …, kopia-format.md section 4).
// Unsupported, naming it, if there is no such hash; InvalidArgument if the secret does not fit it.
Result<std::unique_ptr<KeyedHash>> make_keyed_hash(std::string_view name, BytesView secret);

// The names that make_keyed_hash takes.
std::span<const std::string_view> keyed_hash_names();

// Plain SHA-256: what restic names everything by.
std::unique_ptr<KeyedHash> make_sha256_hash();

// SHA-256 of one text.
HashBytes sha256(BytesView data);

}  // namespace lateen::repository
