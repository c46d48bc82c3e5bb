#include "base/gzip.h"

#include <algorithm>
#include <array>
#include <vector>

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

namespace lateen {

namespace {

constexpr std::size_t kInputRoom = 128 << 10;
constexpr std::size_t kOutputRoom = 64 << 10;
constexpr std::size_t kInputPiece = std::size_t{1} << 30;  // isa-l counts in 32 bits

struct DecompressorDeleter {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

}  // namespace

struct GzipCompressor::Tables {
  isal_zstream stream;
  std::array<std::uint8_t, ISAL_DEF_LVL1_DEFAULT> level_room;
  std::array<char, kOutputRoom> out;
};

GzipCompressor::GzipCompressor() : tables_(std::make_unique<Tables>()) {}

GzipCompressor::GzipCompressor(GzipCompressor&&) noexcept = default;
GzipCompressor& GzipCompressor::operator=(GzipCompressor&&) noexcept = default;
GzipCompressor::~GzipCompressor() = default;

Bytes GzipCompressor::member(BytesView data) {
  isal_zstream& stream = tables_->stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = tables_->level_room.data();
  stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
  stream.gzip_flag = IGZIP_GZIP;
  Bytes packed;
  do {
    if (stream.avail_in == 0) {
      const BytesView piece = data.substr(0, kInputPiece);
      data.remove_prefix(piece.size());
      stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(piece.data()));
      stream.avail_in = static_cast<std::uint32_t>(piece.size());
      stream.end_of_stream = data.empty() ? 1 : 0;
    }
    stream.next_out = reinterpret_cast<std::uint8_t*>(tables_->out.data());
    stream.avail_out = static_cast<std::uint32_t>(tables_->out.size());
    const int done = isal_deflate(&stream);
    LATEEN_ASSERT(done == COMP_OK, "the level and its room are constants that fit each other");
    packed.append(tables_->out.data(), tables_->out.size() - stream.avail_out);
  } while (stream.internal_state.state != ZSTATE_END);
  return packed;
}

Bytes gzip_member(BytesView data) {
  return GzipCompressor().member(data);
}

Result<Bytes> gunzip_member(BytesView member, ByteCount size) {
  const std::unique_ptr<libdeflate_decompressor, DecompressorDeleter> handle(
      libdeflate_alloc_decompressor());
  Bytes out(size, '\0');
  std::size_t used = 0;
  const libdeflate_result result = libdeflate_gzip_decompress_ex(
      handle.get(), member.data(), member.size(), out.data(), out.size(), &used, nullptr);
  if (result != LIBDEFLATE_SUCCESS || used != member.size()) {
    return Error(Code::Corrupt, "{} compressed bytes are not one gzip member of {} bytes",
                 member.size(), size);
  }
  return out;
}

Result<Bytes> gunzip(BytesView data, ByteCount max_size) {
  ViewSource source(data);
  GunzipStream stream(source);
  Bytes out;
  std::vector<char> room(64 << 10);
  while (true) {
    const std::size_t n = TRY(stream.read(room));
    if (n == 0) return out;
    if (out.size() + n > max_size) {
      return Error(Code::Corrupt, "{} compressed bytes unpack to more than {} bytes", data.size(),
                   max_size);
    }
    out.append(room.data(), n);
  }
}

struct GunzipStream::State {
  explicit State(ByteSource& source) : compressed(source) {
    // 16: gzip wrapping only, with the largest window.
    const int opened = inflateInit2(&zlib, 16 + MAX_WBITS);
    LATEEN_ASSERT(opened == Z_OK, "the arguments are constants, and memory is there");
  }

  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() { inflateEnd(&zlib); }

  enum class At { Start, Member, BetweenMembers, Padding, End };

  // Makes sure of input; false at the end of the compressed bytes.
  Result<bool> fill() {
    if (zlib.avail_in > 0) return true;
    const std::size_t n = TRY(compressed.read(input));
    taken += n;
    zlib.next_in = reinterpret_cast<Bytef*>(input.data());
    zlib.avail_in = static_cast<uInt>(n);
    return n > 0;
  }

  ByteCount offset() const { return taken - zlib.avail_in; }

  // Goes to the next member, if there is one. What may follow the last one is zeros.
  Status enter_member() {
    while (at == At::Start || at == At::BetweenMembers || at == At::Padding) {
      const bool more = TRY(fill());
      if (!more) {
        if (at == At::Start) return Error(Code::Corrupt, "no gzip data: it is empty");
        at = At::End;
      } else if (at != At::Start && *zlib.next_in == 0) {
        at = At::Padding;
        ++zlib.next_in;
        --zlib.avail_in;
      } else if (at == At::Padding) {
        return Error(Code::Corrupt, "gzip data is followed by something else at byte {}", offset());
      } else {
        inflateReset(&zlib);
        member_begin = offset();
        at = At::Member;
      }
    }
    return {};
  }

  Error broken() const {
    return {Code::Corrupt, "gzip data is damaged near byte {} (in the member from byte {}): {}",
            offset(), member_begin, zlib.msg == nullptr ? "not gzip" : zlib.msg};
  }

  ByteSource& compressed;
  z_stream zlib = {};
  std::array<char, kInputRoom> input;
  ByteCount taken = 0;         // read from `compressed`
  ByteCount member_begin = 0;  // where the current member began
  At at = At::Start;
};

GunzipStream::GunzipStream(ByteSource& compressed) : state_(std::make_unique<State>(compressed)) {}

GunzipStream::~GunzipStream() = default;

ByteCount GunzipStream::compressed_offset() const {
  return state_->offset();
}

Result<std::size_t> GunzipStream::read(std::span<char> room) {
  State& s = *state_;
  const auto wanted = static_cast<uInt>(std::min<std::size_t>(room.size(), 1U << 30));
  s.zlib.next_out = reinterpret_cast<Bytef*>(room.data());
  s.zlib.avail_out = wanted;
  while (s.zlib.avail_out == wanted) {
    TRY(s.enter_member());
    if (s.at == State::At::End) return std::size_t{0};
    const bool more = TRY(s.fill());
    if (!more) {
      return Error(Code::Corrupt,
                   "gzip data is truncated: it ends at byte {}, inside the member from byte {}",
                   s.offset(), s.member_begin);
    }
    const int result = inflate(&s.zlib, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      s.at = State::At::BetweenMembers;
    } else if (result != Z_OK) {
      return s.broken();
    }
  }
  return std::size_t{wanted - s.zlib.avail_out};
}

}  // namespace lateen
