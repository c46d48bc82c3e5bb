// Compression as repositories store it. Kopia's header IDs name a codec; restic knows zstd only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/buffer.h"

namespace lateen::repository {

enum class Algorithm : std::uint8_t { None, Gzip, Deflate, Zstd, S2, Lz4 };

struct Codec {
  Algorithm algorithm = Algorithm::None;
  int level = 0;  // the library's own
  // Kopia writes a checksum into zstd frames and no content size; restic neither asks for one.
  bool checksum = false;

  bool operator==(const Codec&) const = default;
};

// One of kopia's registered compressors (kopia-format.md section 9).
struct KopiaCompressor {
  std::string_view name;
  std::uint32_t header_id;
  Codec codec;
  bool can_write;  // S2 and lz4 are only read
};

const KopiaCompressor* find_kopia_compressor(std::string_view name);
const KopiaCompressor* find_kopia_compressor(std::uint32_t header_id);
std::span<const KopiaCompressor> kopia_compressors();

// restic's --compression: "auto", "fastest", "better", "max", "off".
std::optional<Codec> restic_codec(std::string_view option);

// Keeps the libraries' tables between calls. Not thread-safe: one a thread (Workspace has one).
class Compressor {
 public:
  Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor();

  // Appends the compressed form of `plain` to `out`. Unsupported for codecs that are only read.
  Status compress(Codec codec, BytesView plain, Buffer& out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

// Not thread-safe: one a thread (Workspace has one).
class Decompressor {
 public:
  Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor();

  // Appends exactly `size` bytes to `out`; Corrupt if the stream is damaged or holds fewer or more.
  Status decompress(Algorithm algorithm, BytesView stored, ByteCount size, Buffer& out);

  // Where the size is not known: Corrupt above `max`.
  Status decompress_up_to(Algorithm algorithm, BytesView stored, ByteCount max, Buffer& out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

// Whether compressing is likely to save anything: looks at a few KiB spread over `data`. False only
// for what looks like noise.
bool looks_compressible(BytesView data);

}  // namespace lateen::repository
