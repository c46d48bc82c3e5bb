#include "sandbox/schema/protobuf_wire.h"

#include <bit>

namespace lateen::sandbox::schema {

Result<std::uint64_t> WireReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (done()) return Error(Code::Corrupt, "unexpected EOF");
    const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80U) return value;
  }
  return Error(Code::Corrupt, "proto: integer overflow");
}

Result<std::uint64_t> WireReader::fixed(std::size_t width) {
  if (bytes_.size() - at_ < width) return Error(Code::Corrupt, "unexpected EOF");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes_[at_ + i])) << (8 * i);
  }
  at_ += width;
  return value;
}

Result<WireField> WireReader::next() {
  const std::uint64_t key = TRY(varint());
  WireField field;
  field.tag = static_cast<std::uint32_t>(key >> 3U);
  if (field.tag == 0) return Error(Code::Corrupt, "proto: illegal tag 0");
  switch (key & 7U) {
    case 0:
      field.number = TRY(varint());
      return field;
    case 1:
      field.type = WireType::Fixed64;
      field.number = TRY(fixed(8));
      return field;
    case 2: {
      field.type = WireType::Bytes;
      const std::uint64_t length = TRY(varint());
      if (length > bytes_.size() - at_) return Error(Code::Corrupt, "unexpected EOF");
      field.bytes = bytes_.substr(at_, length);
      at_ += length;
      return field;
    }
    case 5:
      field.type = WireType::Fixed32;
      field.number = TRY(fixed(4));
      return field;
    default:
      return Error(Code::Corrupt, "proto: illegal wireType {}", key & 7U);
  }
}

void WireWriter::varint(std::uint64_t value) {
  while (value >= 0x80U) {
    out_ += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  out_ += static_cast<char>(value);
}

void WireWriter::number(std::uint32_t tag, std::uint64_t value) {
  varint((static_cast<std::uint64_t>(tag) << 3U) | static_cast<std::uint64_t>(WireType::Varint));
  varint(value);
}

void WireWriter::bytes(std::uint32_t tag, BytesView value) {
  varint((static_cast<std::uint64_t>(tag) << 3U) | static_cast<std::uint64_t>(WireType::Bytes));
  varint(value.size());
  out_ += value;
}

void WireWriter::real(std::uint32_t tag, double value) {
  varint((static_cast<std::uint64_t>(tag) << 3U) | static_cast<std::uint64_t>(WireType::Fixed64));
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned i = 0; i < 8; ++i)
    out_ += static_cast<char>((bits >> (8 * i)) & 0xFFU);
}

}  // namespace lateen::sandbox::schema
