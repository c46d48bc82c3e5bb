// What lies in a pack file, and the header at its end that says so:
//
//   blob … blob | header, encrypted | header's length (4 bytes, little-endian)
//
// Offsets are not stored: they are the running sum of the lengths.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/restic/id.h"

namespace lateen::repository::restic {

inline constexpr ByteCount kCryptoOverhead = 32;  // 16 bytes of IV before, 16 of MAC behind
inline constexpr ByteCount kHeaderLengthSize = 4;
inline constexpr ByteCount kMaxHeaderSize = 16_MiB;
// Restic's bounds for its option --pack-size.
inline constexpr ByteCount kMinPackSize = 4_MiB;
inline constexpr ByteCount kMaxPackSize = 128_MiB;
// A header of up to this many bytes comes with the first read of a pack's end.
inline constexpr ByteCount kEagerHeader = 15 * 41 + kCryptoOverhead + kHeaderLengthSize;

// A blob's place in a pack.
struct PackedBlob {
  Id id = {};
  BlobType type = BlobType::Data;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;        // as stored, with the 32 bytes of encryption
  std::uint32_t plain_length = 0;  // uncompressed, if it is stored compressed; 0 if not

  bool compressed() const { return plain_length != 0; }

  // Bytes of plain text.
  std::uint32_t size() const {
    return compressed() ? plain_length : length - static_cast<std::uint32_t>(kCryptoOverhead);
  }

  bool operator==(const PackedBlob&) const = default;
};

// Bytes that the entry takes in the header.
constexpr ByteCount header_entry_size(bool compressed) {
  return compressed ? 41 : 37;
}

void append_header_entry(Bytes& header, const PackedBlob& blob);

// A decrypted header, offsets filled in. Corrupt if it is not one.
Result<std::vector<PackedBlob>> decode_header(BytesView header);

// How long the stored header is, from the pack's last four bytes. Corrupt if a pack of that size
// can't have such a header.
Result<ByteCount> header_length(BytesView last_four, ByteCount pack_size);

// How large a pack with these blobs must be, to the byte.
ByteCount pack_size_of(const std::vector<PackedBlob>& blobs);

}  // namespace lateen::repository::restic
