// Names of contents (kopia) or blobs (restic): pieces of files, directories and manifests, by the
// hash of their bytes.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::repository {

// Contents that are needed to find others lie in packs of their own, so that they can be read
// together: kopia's `q` packs, restic's tree packs.
enum class PackKind : std::uint8_t { Data, Metadata };
inline constexpr std::size_t kPackKinds = 2;

// Ordered by prefix, then hash: kopia's order of index keys.
struct ContentId {
  std::uint8_t prefix = 0;  // kopia: 0 or 'g'…'z'; restic: 0 data, 't' tree
  std::uint8_t size = 0;    // of the hash
  HashBytes hash = {};

  static ContentId of(std::uint8_t prefix, const HashBytes& hash, std::size_t size) {
    return {.prefix = prefix, .size = static_cast<std::uint8_t>(size), .hash = hash};
  }

  BytesView hash_bytes() const { return {reinterpret_cast<const char*>(hash.data()), size}; }

  // The prefix letter, if any, and hex.
  std::string text() const;

  std::strong_ordering operator<=>(const ContentId& other) const {
    if (prefix != other.prefix) return prefix <=> other.prefix;
    const int order = std::memcmp(hash.data(), other.hash.data(), std::min(size, other.size));
    return order != 0 ? order <=> 0 : size <=> other.size;
  }

  bool operator==(const ContentId& other) const { return (*this <=> other) == 0; }

  // As good as random: hashes are even over their range.
  std::uint64_t fingerprint() const {
    std::uint64_t first = 0;
    std::memcpy(&first, hash.data(), sizeof first);
    return first ^ (std::uint64_t{prefix} << 56);
  }
};

struct ContentIdHash {
  std::size_t operator()(const ContentId& id) const { return id.fingerprint(); }
};

// "k4dbe…", "07ae…": kopia's text. Corrupt if it is none for hashes of this size.
Result<ContentId> parse_content_id(std::string_view text, std::size_t hash_size);

// One row of an index: where a content lies. `pack` is a number of the PackTable beside it.
struct ContentEntry {
  ContentId id = {};
  std::uint32_t pack = 0;
  std::uint32_t offset = 0;         // in the pack
  std::uint32_t packed_length = 0;  // as stored
  std::uint32_t length = 0;         // as it was before compression
  std::uint32_t time = 0;           // kopia: seconds since 1970; restic: 0
  std::uint16_t codec = 0;          // kopia: compression header ID; restic: 1 if compressed
  std::uint8_t version = 0;         // kopia: format version
  bool deleted = false;             // kopia: marked, still readable
};

}  // namespace lateen::repository
