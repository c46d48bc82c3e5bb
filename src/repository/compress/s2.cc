#include "repository/compress/s2.h"

#include <array>
#include <bit>
#include <cstring>

namespace lateen::repository {

namespace {

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
    table[i] = crc;
  }
  return table;
}();

Error s2_damaged(std::string_view why) {
  return Error(Code::Corrupt, "the S2 stream is damaged: {}", why);
}

// Takes little-endian numbers from the front of what is left.
class Input {
 public:
  explicit Input(BytesView bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  std::size_t size() const { return rest_.size(); }

  bool has(std::size_t n) const { return rest_.size() >= n; }

  // There are `n` bytes, 1 to 4.
  std::uint32_t number(std::size_t n) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      value |= std::uint32_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    }
    rest_.remove_prefix(n);
    return value;
  }

  BytesView take(std::size_t n) {
    const BytesView taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

 private:
  BytesView rest_;
};

constexpr std::uint32_t kMaxBlock = 4U << 20;

// One block's tags, into a place that has exactly its size.
class BlockReader {
 public:
  BlockReader(Input in, char* out, std::size_t size) : in_(in), out_(out), size_(size) {}

  Status run() {
    while (!in_.empty()) {
      const std::uint32_t tag = in_.number(1);
      TRY((tag & 3) == 0 ? literal(tag) : copy(tag));
    }
    if (at_ != size_) return s2_damaged("a block is shorter than it says");
    return {};
  }

 private:
  Status literal(std::uint32_t tag) {
    std::size_t length = tag >> 2;
    if (length >= 60) {
      const std::size_t bytes = length - 59;
      if (!in_.has(bytes)) return s2_damaged("a literal's length is cut off");
      length = in_.number(bytes);
    }
    length += 1;
    if (!in_.has(length) || length > size_ - at_) return s2_damaged("a literal is too long");
    std::memcpy(out_ + at_, in_.take(length).data(), length);
    at_ += length;
    return {};
  }

  Status copy(std::uint32_t tag) {
    const std::uint32_t kind = tag & 3;
    const std::size_t needs = kind == 1 ? 1 : kind == 2 ? 2 : 4;
    if (!in_.has(needs)) return s2_damaged("a copy is cut off");
    std::size_t length = 1 + (tag >> 2);
    std::size_t offset = 0;
    if (kind == 1) {
      offset = ((tag & 0xe0) << 3) | in_.number(1);
      length = (tag >> 2) & 7;
      if (offset == 0) {
        length = TRY(repeat_length(length));
        offset = last_offset_;
      }
      length += 4;
    } else {
      offset = in_.number(needs);
    }
    last_offset_ = offset;
    if (offset == 0 || offset > at_) return s2_damaged("a copy reaches before its block");
    if (length > size_ - at_) return s2_damaged("a copy is too long");
    // Byte by byte: what is copied may be what has just been written.
    for (; length > 0; --length, ++at_)
      out_[at_] = out_[at_ - offset];
    return {};
  }

  Result<std::size_t> repeat_length(std::size_t code) {
    if (code < 5) return code;
    const std::size_t bytes = code - 4;
    if (!in_.has(bytes)) return s2_damaged("a repeat is cut off");
    constexpr std::size_t kAdd[] = {4, 256, 65536};
    return in_.number(bytes) + kAdd[bytes - 1];
  }

  Input in_;
  char* const out_;
  const std::size_t size_;
  std::size_t at_ = 0;
  std::size_t last_offset_ = 0;
};

Result<std::uint32_t> take_uvarint(Input& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (in.empty()) break;
    const std::uint64_t byte = in.number(1);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (value > kMaxBlock) break;
      return static_cast<std::uint32_t>(value);
    }
  }
  return s2_damaged("a block's length is not one");
}

Status read_chunk(std::uint32_t type, BytesView body, ByteCount room, Buffer& out) {
  if (body.size() < 4) return s2_damaged("a chunk without its checksum");
  Input in(body);
  const std::uint32_t masked = in.number(4);
  std::size_t size = in.size();
  if (type == 0) size = TRY(take_uvarint(in));
  if (size > room) return Error(Code::Corrupt, "the S2 stream unpacks to more than it should");
  char* const to = out.extend(size);
  if (type == 0) {
    TRY(BlockReader(in, to, size).run());
  } else if (size > 0) {
    std::memcpy(to, in.take(size).data(), size);
  }
  const std::uint32_t crc = crc32c({to, size});
  if (std::rotr(crc, 15) + 0xa282ead8U != masked) return s2_damaged("a checksum is wrong");
  return {};
}

}  // namespace

std::uint32_t crc32c(BytesView data) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : data) {
    crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

Status decompress_s2(BytesView stream, ByteCount max, Buffer& out) {
  Input in(stream);
  const std::size_t start = out.size();
  bool identified = false;
  while (!in.empty()) {
    if (!in.has(4)) return s2_damaged("a chunk's header is cut off");
    const std::uint32_t type = in.number(1);
    const std::uint32_t length = in.number(3);
    if (!in.has(length)) return s2_damaged("a chunk is cut off");
    const BytesView body = in.take(length);
    if (type == 0xff) {
      if (body != "S2sTwO" && body != "sNaPpY") return s2_damaged("it is neither S2 nor Snappy");
      identified = true;
    } else if (!identified) {
      return s2_damaged("it does not begin with its name");
    } else if (type <= 1) {
      TRY(read_chunk(type, body, max - (out.size() - start), out));
    } else if (type < 0x80) {
      return s2_damaged("it has a chunk of an unknown kind");
    }
  }
  if (!identified) return s2_damaged("it is empty");
  return {};
}

}  // namespace lateen::repository
