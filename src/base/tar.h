// Tar files as Go's archive/tar writes them, which is what Velero does: headers byte for byte; and
// a reader for what others write: USTAR, PAX, GNU long names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen {

inline constexpr std::size_t kTarBlock = 512;

// What a regular file's header says. Owner is 0:0, without names, as Velero leaves it.
struct TarFile {
  std::string_view name;
  ByteCount size = 0;
  TimePoint modified = {};  // rounded to the second
  std::uint32_t mode = 0755;
};

// Appends the header of `file`: one USTAR block when the name is ASCII and fits (with the prefix
// field), otherwise a PAX record before it. InvalidArgument for a name that leads elsewhere
// (is_safe_entry_name).
Status append_tar_header(std::string& out, const TarFile& file);

// How many zero bytes follow `size` bytes of content.
constexpr std::size_t tar_padding(ByteCount size) {
  return static_cast<std::size_t>((kTarBlock - size % kTarBlock) % kTarBlock);
}

// The two zero blocks at the end of every archive.
void append_tar_end(std::string& out);

enum class TarType { Regular, Directory, Other };

struct TarEntry {
  std::string name;
  TarType type;
  ByteCount size;         // of its content
  ByteCount data_offset;  // of its content in the tar stream
  std::uint32_t mode;
  TimePoint modified;
};

// Walks a tar stream entry by entry. Corrupt for a bad checksum, a bad field, an end inside an
// entry, or no end mark: each says at which byte and after which entry. Not thread-safe.
class TarReader {
 public:
  // `source` outlives the reader.
  explicit TarReader(ByteSource& source) : source_(source) {}

  // The next entry, whatever was left of the last one passed over; nothing at the end of the
  // archive.
  Result<std::optional<TarEntry>> next();

  // Content of the current entry; 0 at its end.
  Result<std::size_t> read(std::span<char> room);

  // All that is left of the current entry's content; Corrupt if it is longer than `max`.
  Result<Bytes> read_all(ByteCount max);

  // How much of the stream has been read.
  ByteCount offset() const { return offset_; }

 private:
  using Block = std::array<char, kTarBlock>;
  struct Extension;  // what PAX and GNU headers said about the entry that follows them

  // False at the end of the stream, which is only right between entries.
  Result<bool> read_block(Block& block);
  Status pass_over_current();
  Status finish_archive();
  Result<TarEntry> parse_header(const Block& block) const;
  Status read_extension(char type, const TarEntry& header, Extension& extension);
  Status parse_pax_records(std::string_view records, Extension& extension) const;
  Error corrupt(std::string_view why) const;
  Error truncated() const;
  Error source_failed(Error error) const;

  ByteSource& source_;
  ByteCount offset_ = 0;
  ByteCount remaining_ = 0;  // of the current entry's content
  std::size_t padding_ = 0;  // after it
  std::string current_;      // its name, for errors
  bool ended_ = false;
};

// Whether a name from outside stays inside the folder it is unpacked to: relative, not empty,
// without NUL and without "..", "." or empty parts.
bool is_safe_entry_name(std::string_view name);

}  // namespace lateen
