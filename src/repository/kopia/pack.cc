#include "repository/kopia/pack.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kPreambleSize = 32;
constexpr std::size_t kPadding = 4096;
constexpr std::size_t kRandomSuffix = 32;
constexpr std::size_t kChecksumSize = 4;
constexpr std::size_t kMaxPostamble = 255;

void append_uvarint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_uvarint(BytesView& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// CRC-32 as in gzip, bit by bit: it is over 40 bytes.
std::uint32_t checksum(BytesView bytes) {
  std::uint32_t crc = 0xffff'ffffU;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xedb8'8320U : 0U);
  }
  return ~crc;
}

Bytes big_endian(std::uint32_t value) {
  Bytes out;
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out += static_cast<char>(value >> shift);
  return out;
}

void append_random(Buffer& out, std::size_t size, Rng& rng) {
  rng.fill(std::as_writable_bytes(std::span(out.extend(size), size)));
}

}  // namespace

std::optional<Postamble> find_postamble(BytesView end) {
  if (end.empty()) return std::nullopt;
  const std::size_t length = static_cast<std::uint8_t>(end.back());
  if (length <= kChecksumSize || length + 1 > end.size()) return std::nullopt;
  const BytesView all = end.substr(end.size() - 1 - length, length);
  BytesView rest = all.substr(0, length - kChecksumSize);
  if (big_endian(checksum(rest)) != all.substr(length - kChecksumSize)) return std::nullopt;
  if (take_uvarint(rest) != 1) return std::nullopt;
  const auto iv_size = take_uvarint(rest);
  if (!iv_size || *iv_size > rest.size()) return std::nullopt;
  Postamble found{.iv = Bytes(rest.substr(0, *iv_size))};
  rest.remove_prefix(*iv_size);
  const auto offset = take_uvarint(rest);
  const auto size = take_uvarint(rest);
  if (!offset || !size) return std::nullopt;
  found.offset = *offset;
  found.length = *size;
  return found;
}

Result<Bytes> write_postamble(const Postamble& postamble) {
  Bytes out;
  append_uvarint(out, 1);
  append_uvarint(out, postamble.iv.size());
  out += postamble.iv;
  append_uvarint(out, postamble.offset);
  append_uvarint(out, postamble.length);
  out += big_endian(checksum(out));
  if (out.size() > kMaxPostamble) return Error(Code::InvalidArgument, "the postamble is too long");
  out += static_cast<char>(out.size());
  return out;
}

Result<IndexBlob> open_local_index(const Postamble& postamble,
                                   BytesView stored,
                                   const UnitCipher& cipher,
                                   Aead& aead) {
  Buffer plain;
  TRY(cipher.open(postamble.iv, stored, aead, plain));
  return IndexBlob::parse(plain.view(), kUnitOverhead);
}

Result<IndexBlob> read_local_index(BytesView pack, const UnitCipher& cipher, Aead& aead) {
  const auto postamble = find_postamble(pack);
  if (!postamble) return Error(Code::Corrupt, "it has no end: it was cut off, or overwritten");
  if (postamble->offset > pack.size() || postamble->length > pack.size() - postamble->offset) {
    return Error(Code::Corrupt, "its end points outside of it");
  }
  return open_local_index(*postamble, pack.substr(postamble->offset, postamble->length), cipher,
                          aead);
}

void append_preamble(Buffer& pack, Rng& rng) {
  append_random(pack, kPreambleSize, rng);
}

Status append_pack_end(Buffer& pack,
                       std::span<const ContentEntry> entries,
                       std::span<const std::string> packs,
                       int index_version,
                       const UnitCipher& cipher,
                       Rng& rng) {
  // A whole block where it is aligned already: kopia's readers do not care, its writers do the
  // same.
  append_random(pack, kPadding - pack.size() % kPadding, rng);
  Buffer index;
  index.append(TRY(encode_index(entries, packs, index_version)));
  append_random(index, kRandomSuffix, rng);
  const HashBytes digest = cipher.hash().hash(index.view());
  Postamble postamble{
      .iv = Bytes(reinterpret_cast<const char*>(digest.data()), cipher.hash().size()),
      .offset = pack.size()};
  Aead aead;
  cipher.seal(postamble.iv, index.view(), aead, pack);
  postamble.length = pack.size() - postamble.offset;
  pack.append(TRY(write_postamble(postamble)));
  return {};
}

}  // namespace lateen::repository::kopia
