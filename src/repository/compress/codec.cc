#include "repository/compress/codec.h"

#include <algorithm>
#include <array>
#include <limits>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "repository/compress/s2.h"

namespace lateen::repository {

namespace {

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }

  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// zlib's streams, with what its windowBits say: 15 + 16 is gzip, -15 raw deflate.
int window_bits(Algorithm algorithm) {
  return algorithm == Algorithm::Gzip ? 15 + 16 : -15;
}

Bytef* zlib_bytes(char* text) {
  return reinterpret_cast<Bytef*>(text);
}

// zlib reads through a pointer that it calls writable.
Bytef* zlib_input(BytesView text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

uInt zlib_size(std::size_t size) {
  LATEEN_ASSERT(size <= std::numeric_limits<uInt>::max(), "contents are smaller than 4 GiB");
  return static_cast<uInt>(size);
}

Status deflate_whole(Codec codec, BytesView plain, Buffer& out) {
  z_stream stream{};
  if (deflateInit2(&stream, codec.level, Z_DEFLATED, window_bits(codec.algorithm), 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error(Code::Internal, "zlib cannot be set up for level {}", codec.level);
  }
  const std::size_t start = out.size();
  const std::size_t bound = deflateBound(&stream, plain.size());
  stream.next_in = zlib_input(plain);
  stream.avail_in = zlib_size(plain.size());
  stream.next_out = zlib_bytes(out.extend(bound));
  stream.avail_out = zlib_size(bound);
  const int end = deflate(&stream, Z_FINISH);
  out.resize(start + bound - stream.avail_out);
  deflateEnd(&stream);
  if (end != Z_STREAM_END) return Error(Code::Internal, "zlib did not finish in its own bound");
  return {};
}

Error damaged(std::string_view what) {
  return Error(Code::Corrupt, "the {} stream is damaged", what);
}

Error too_long(std::string_view what, ByteCount max) {
  return Error(Code::Corrupt, "the {} stream unpacks to more than {} bytes", what, max);
}

// A stream's output goes on growing the buffer, in steps, up to `max` and one byte more: to see
// that there is more.
class Room {
 public:
  Room(Buffer& out, ByteCount max, ByteCount first) : out_(out), start_(out.size()), max_(max) {
    out_.resize(start_ + std::min(max_ + 1, std::max<ByteCount>(first, 64)));
  }

  char* next() { return out_.data() + start_ + used_; }

  std::size_t left() const { return out_.size() - start_ - used_; }

  void use(std::size_t bytes) { used_ += bytes; }

  bool over() const { return used_ > max_; }

  // More room, if there may be more.
  void grow() {
    if (left() == 0 && !over()) {
      out_.resize(start_ + std::min(max_ + 1, 2 * (out_.size() - start_)));
    }
  }

  void finish() { out_.resize(start_ + used_); }

 private:
  Buffer& out_;
  const std::size_t start_;
  const ByteCount max_;
  std::size_t used_ = 0;
};

Status inflate_up_to(Algorithm algorithm, BytesView stored, Room& room, ByteCount max) {
  const std::string_view name = algorithm == Algorithm::Gzip ? "gzip" : "deflate";
  z_stream stream{};
  if (inflateInit2(&stream, window_bits(algorithm)) != Z_OK) {
    return Error(Code::Internal, "zlib cannot be set up");
  }
  stream.next_in = zlib_input(stored);
  stream.avail_in = zlib_size(stored.size());
  int state = Z_OK;
  while (state == Z_OK && !room.over()) {
    room.grow();
    const std::size_t left = room.left();
    stream.next_out = zlib_bytes(room.next());
    stream.avail_out = zlib_size(left);
    state = inflate(&stream, Z_NO_FLUSH);
    room.use(left - stream.avail_out);
    // Members one after the other are one gzip stream: pgzip does not write those, but may.
    if (state == Z_STREAM_END && stream.avail_in > 0 && algorithm == Algorithm::Gzip) {
      state = inflateReset(&stream);
    }
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (room.over()) return too_long(name, max);
  if (!whole) return damaged(name);
  return {};
}

Status unlz4_up_to(BytesView stored, Room& room, ByteCount max) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0U) {
    return Error(Code::Internal, "lz4 cannot be set up");
  }
  std::size_t at = 0;
  std::size_t wants = 1;
  bool bad = false;
  while (wants != 0 && !bad && !room.over()) {
    room.grow();
    std::size_t written = room.left();
    std::size_t taken = stored.size() - at;
    wants = LZ4F_decompress(context, room.next(), &written, stored.data() + at, &taken, nullptr);
    bad = LZ4F_isError(wants) != 0U || (written == 0 && taken == 0);
    at += taken;
    room.use(written);
  }
  LZ4F_freeDecompressionContext(context);
  if (room.over()) return too_long("lz4", max);
  if (bad || at != stored.size()) return damaged("lz4");
  return {};
}

Status unzstd_up_to(ZSTD_DCtx* context, BytesView stored, Room& room, ByteCount max) {
  ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  ZSTD_inBuffer in{stored.data(), stored.size(), 0};
  std::size_t wants = 1;
  while (!room.over()) {
    room.grow();
    ZSTD_outBuffer to{room.next(), room.left(), 0};
    const std::size_t before = in.pos;
    wants = ZSTD_decompressStream(context, &to, &in);
    if (ZSTD_isError(wants) != 0U) return damaged("zstd");
    room.use(to.pos);
    if (wants == 0 && in.pos == in.size) break;
    if (to.pos == 0 && in.pos == before && room.left() > 0) return damaged("zstd");
  }
  if (room.over()) return too_long("zstd", max);
  return {};
}

}  // namespace

struct Compressor::Contexts {
  std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd;
};

Compressor::Compressor() : contexts_(std::make_unique<Contexts>()) {}

Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

Status Compressor::compress(Codec codec, BytesView plain, Buffer& out) {
  switch (codec.algorithm) {
    case Algorithm::None:
      out.append(plain);
      return {};
    case Algorithm::Gzip:
    case Algorithm::Deflate:
      return deflate_whole(codec, plain, out);
    case Algorithm::S2:
    case Algorithm::Lz4:
      return Error(Code::Unsupported, "S2 and lz4 are read but not written")
          .with_hint("Choose zstd.");
    case Algorithm::Zstd:
      break;
  }
  if (contexts_->zstd == nullptr) contexts_->zstd.reset(ZSTD_createCCtx());
  ZSTD_CCtx* const context = contexts_->zstd.get();
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, codec.level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, codec.checksum ? 1 : 0);
  const std::size_t start = out.size();
  const std::size_t bound = ZSTD_compressBound(plain.size());
  char* const to = out.extend(bound);
  const std::size_t size = ZSTD_compress2(context, to, bound, plain.data(), plain.size());
  out.resize(start + (ZSTD_isError(size) != 0U ? 0 : size));
  if (ZSTD_isError(size) != 0U) {
    return Error(Code::Internal, "zstd: {}", ZSTD_getErrorName(size));
  }
  return {};
}

struct Decompressor::Contexts {
  std::unique_ptr<ZSTD_DCtx, FreeZstd> zstd;

  ZSTD_DCtx* ready() {
    if (zstd == nullptr) {
      zstd.reset(ZSTD_createDCtx());
      // A frame may ask for a window; what we read never needs more than a content's size.
      ZSTD_DCtx_setParameter(zstd.get(), ZSTD_d_windowLogMax, 27);
    }
    return zstd.get();
  }
};

Decompressor::Decompressor() : contexts_(std::make_unique<Contexts>()) {}

Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

Status Decompressor::decompress(Algorithm algorithm,
                                BytesView stored,
                                ByteCount size,
                                Buffer& out) {
  const std::size_t start = out.size();
  if (algorithm == Algorithm::Zstd &&
      ZSTD_getFrameContentSize(stored.data(), stored.size()) == size) {
    // The usual case: one frame that says its size is unpacked without a stream's copies.
    char* const to = out.extend(size);
    const std::size_t got =
        ZSTD_decompressDCtx(contexts_->ready(), to, size, stored.data(), stored.size());
    if (got == size) return {};
    out.resize(start);
    return damaged("zstd");
  }
  TRY(decompress_up_to(algorithm, stored, size, out));
  const ByteCount got = out.size() - start;
  if (got == size) return {};
  out.resize(start);
  return Error(Code::Corrupt, "the compressed stream holds {} bytes instead of {}", got, size);
}

Status Decompressor::decompress_up_to(Algorithm algorithm,
                                      BytesView stored,
                                      ByteCount max,
                                      Buffer& out) {
  const std::size_t start = out.size();
  const auto run = [&]() -> Status {
    if (algorithm == Algorithm::None) {
      if (stored.size() > max) return too_long("stored", max);
      out.append(stored);
      return {};
    }
    if (algorithm == Algorithm::S2) return decompress_s2(stored, max, out);
    Room room(out, max, std::min<ByteCount>(max, 4 * stored.size()));
    Status done;
    if (algorithm == Algorithm::Zstd) done = unzstd_up_to(contexts_->ready(), stored, room, max);
    if (algorithm == Algorithm::Lz4) done = unlz4_up_to(stored, room, max);
    if (algorithm == Algorithm::Gzip || algorithm == Algorithm::Deflate) {
      done = inflate_up_to(algorithm, stored, room, max);
    }
    room.finish();
    return done;
  };
  Status done = run();
  if (!done) out.resize(start);
  return done;
}

bool looks_compressible(BytesView data) {
  // Many and small: what is only in a part of it is met, too.
  constexpr std::size_t kSamples = 64;
  constexpr std::size_t kSample = 128;
  if (data.size() < 4 * kSamples * kSample) return true;
  std::array<std::uint32_t, 256> counts{};
  const std::size_t stride = (data.size() - kSample) / (kSamples - 1);
  for (std::size_t i = 0; i < kSamples; ++i) {
    for (const char c : data.substr(i * stride, kSample))
      ++counts[static_cast<unsigned char>(c)];
  }
  // Noise of N bytes has sum(n²) = N + N²/256 or so; text and records have many times that.
  std::uint64_t squares = 0;
  for (const std::uint64_t n : counts)
    squares += n * n;
  constexpr std::uint64_t kTotal = kSamples * kSample;
  return squares > (kTotal + kTotal * kTotal / 256) * 9 / 8;
}

}  // namespace lateen::repository
