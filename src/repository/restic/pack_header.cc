#include "repository/restic/pack_header.h"

#include <limits>

namespace lateen::repository::restic {
namespace {

void append_u32(Bytes& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(value >> shift & 0xffU);
}

std::uint32_t u32_at(BytesView bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

void append_header_entry(Bytes& header, const PackedBlob& blob) {
  const unsigned kind = static_cast<unsigned>(blob.type) | (blob.compressed() ? 2U : 0U);
  header += static_cast<char>(kind);
  append_u32(header, blob.length);
  if (blob.compressed()) append_u32(header, blob.plain_length);
  header += blob.id.view();
}

Result<std::vector<PackedBlob>> decode_header(BytesView header) {
  std::vector<PackedBlob> blobs;
  std::uint64_t offset = 0;
  for (std::size_t at = 0; at < header.size();) {
    const auto kind = static_cast<unsigned char>(header[at]);
    if (kind > 3) return Error(Code::Corrupt, "the pack's header has an entry of kind {}", kind);
    const bool compressed = (kind & 2U) != 0;
    const std::size_t size = header_entry_size(compressed);
    if (header.size() - at < size) return Error(Code::Corrupt, "the pack's header is cut short");
    PackedBlob blob{.type = static_cast<BlobType>(kind & 1U),
                    .offset = static_cast<std::uint32_t>(offset),
                    .length = u32_at(header, at + 1)};
    if (compressed) blob.plain_length = u32_at(header, at + 5);
    blob.id = Id::from_raw(header.substr(at + size - Id::kSize, Id::kSize));
    offset += blob.length;
    if (blob.length < kCryptoOverhead || (compressed && blob.plain_length == 0) ||
        offset > std::numeric_limits<std::uint32_t>::max()) {
      return Error(Code::Corrupt, "the pack's header gives blob {} an impossible length",
                   blob.id.short_hex());
    }
    blobs.push_back(blob);
    at += size;
  }
  return blobs;
}

Result<ByteCount> header_length(BytesView last_four, ByteCount pack_size) {
  if (last_four.size() != kHeaderLengthSize) {
    return Error(Code::Corrupt, "the pack has only {} bytes", pack_size);
  }
  const ByteCount length = u32_at(last_four, 0);
  if (length < kCryptoOverhead || length > kMaxHeaderSize ||
      length + kHeaderLengthSize > pack_size) {
    return Error(Code::Corrupt, "the pack of {} bytes says that its header has {}", pack_size,
                 length);
  }
  return length;
}

ByteCount pack_size_of(const std::vector<PackedBlob>& blobs) {
  ByteCount size = kCryptoOverhead + kHeaderLengthSize;
  for (const PackedBlob& blob : blobs)
    size += blob.length + header_entry_size(blob.compressed());
  return size;
}

}  // namespace lateen::repository::restic
