// The frame of kopia's packs. Contents lie in it back to back; at its end stands an index of its
// own, from which the repository's index can be rebuilt:
//
//   [version 1: a copy of kopia.repository] | 32 random bytes | contents… | random bytes to 4 KiB |
//   local index (a unit) | postamble: uvarint 1, uvarint n, iv (n), uvarint offset, uvarint length,
//   CRC-32 (u32, big-endian), u8 length of all that
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "repository/buffer.h"
#include "repository/kopia/index_blob.h"
#include "repository/kopia/unit.h"

namespace lateen::repository::kopia {

// Where a pack's local index lies. Not authentic by itself: what it leads to is.
struct Postamble {
  Bytes iv = {};
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  bool operator==(const Postamble&) const = default;
};

// From the end of a pack; nothing if there is none.
std::optional<Postamble> find_postamble(BytesView end);
Result<Bytes> write_postamble(const Postamble& postamble);

// How much of a pack's end surely holds a postamble.
inline constexpr std::size_t kPostambleWindow = 8192;

// The index in a whole pack. Corrupt if there is none, or it is not authentic.
Result<IndexBlob> read_local_index(BytesView pack, const UnitCipher& cipher, Aead& aead);
// The same from the bytes that a postamble names.
Result<IndexBlob> open_local_index(const Postamble& postamble,
                                   BytesView stored,
                                   const UnitCipher& cipher,
                                   Aead& aead);

void append_preamble(Buffer& pack, Rng& rng);

// Appends padding, the local index and the postamble. `entries` are sorted by ID and name `packs`.
Status append_pack_end(Buffer& pack,
                       std::span<const ContentEntry> entries,
                       std::span<const std::string> packs,
                       int index_version,
                       const UnitCipher& cipher,
                       Rng& rng);

}  // namespace lateen::repository::kopia
