// The reader half of tar.h.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/tar.h"

namespace lateen {

namespace {

// What a PAX or GNU header before an entry may hold, as in Go.
constexpr ByteCount kMaxExtension = 1_MiB;

// What may stand after the end mark: GNU tar fills up to its blocking factor.
constexpr ByteCount kMaxTrailer = 64_MiB;

std::string_view text_field(std::string_view block, std::size_t at, std::size_t size) {
  const std::string_view field = block.substr(at, size);
  return field.substr(0, field.find('\0'));
}

std::string_view trim_field(std::string_view field) {
  const auto is_fill = [](char c) { return c == ' ' || c == '\0'; };
  while (!field.empty() && is_fill(field.front()))
    field.remove_prefix(1);
  while (!field.empty() && is_fill(field.back()))
    field.remove_suffix(1);
  return field;
}

// An octal number, or a big-endian one marked by the first bit as GNU tar writes large sizes.
std::optional<std::uint64_t> number_field(std::string_view block,
                                          std::size_t at,
                                          std::size_t size) {
  std::string_view field = block.substr(at, size);
  if ((static_cast<unsigned char>(field.front()) & 0x80U) != 0) {
    std::uint64_t value = static_cast<unsigned char>(field.front()) & 0x7fU;
    for (const char c : field.substr(1)) {
      if (value >> 55 != 0) return std::nullopt;  // negative, or more than any file has
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  field = trim_field(field);
  if (field.empty()) return 0;
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
  const std::string_view rest(end, static_cast<std::size_t>(field.data() + field.size() - end));
  if (failed != std::errc() || (!rest.empty() && rest.front() != '\0')) return std::nullopt;
  return value;
}

bool checksum_holds(std::string_view block) {
  const auto stated = number_field(block, 148, 8);
  std::uint64_t unsigned_sum = 0;
  std::int64_t signed_sum = 0;  // as old Sun tars counted
  for (std::size_t i = 0; i < block.size(); ++i) {
    const char c = i >= 148 && i < 156 ? ' ' : block[i];
    unsigned_sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return stated && (*stated == unsigned_sum || static_cast<std::int64_t>(*stated) == signed_sum);
}

TimePoint from_unix_seconds(std::uint64_t seconds) {
  constexpr std::uint64_t kLast = 9'000'000'000;  // the year 2255: nanoseconds end soon after
  return TimePoint(std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, kLast))));
}

template <typename Number>
std::optional<Number> decimal(std::string_view text) {
  Number value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

TarType type_of(char flag, std::string_view name) {
  if (flag == '5') return TarType::Directory;
  if (flag != '0' && flag != '\0') return TarType::Other;
  return flag == '\0' && name.ends_with('/') ? TarType::Directory : TarType::Regular;
}

// Links, devices, folders and pipes have no content, whatever their size field says.
bool has_no_content(char flag) {
  return flag >= '1' && flag <= '6';
}

}  // namespace

struct TarReader::Extension {
  std::optional<std::string> name;
  std::optional<ByteCount> size;
  std::optional<TimePoint> modified;
};

Error TarReader::corrupt(std::string_view why) const {
  if (current_.empty()) return {Code::Corrupt, "tar is damaged at byte {}: {}", offset_, why};
  return {Code::Corrupt, "tar is damaged at byte {}, after entry {}: {}", offset_, current_, why};
}

Error TarReader::truncated() const {
  if (remaining_ > 0) {
    return {Code::Corrupt,
            "tar is truncated: it ends at byte {}, {} bytes before the end of entry {}", offset_,
            remaining_, current_};
  }
  return {Code::Corrupt,
          "tar is truncated: it ends at byte {} without its end mark, after entry {}", offset_,
          current_.empty() ? "none" : current_};
}

Error TarReader::source_failed(Error error) const {
  if (current_.empty()) return error;
  if (remaining_ > 0) return std::move(error).wrap("in entry {}", current_);
  return std::move(error).wrap("after entry {}", current_);
}

Result<bool> TarReader::read_block(Block& block) {
  const auto filled = read_fully(source_, block);
  if (!filled) return source_failed(filled.error());
  const std::size_t n = *filled;
  offset_ += n;
  if (n == 0) return false;
  if (n < block.size()) return truncated();
  return true;
}

Result<std::size_t> TarReader::read(std::span<char> room) {
  const auto wanted = static_cast<std::size_t>(std::min<ByteCount>(room.size(), remaining_));
  if (wanted == 0) return std::size_t{0};
  const auto n = source_.read(room.first(wanted));
  if (!n) return source_failed(n.error());
  offset_ += *n;
  if (*n == 0) return truncated();
  remaining_ -= *n;
  return *n;
}

Result<Bytes> TarReader::read_all(ByteCount max) {
  if (remaining_ > max) {
    return Error(Code::Corrupt, "entry {} has {} bytes, more than the {} that are accepted",
                 current_, remaining_, max);
  }
  // Grows with what is there, not with what the header claims.
  Bytes out;
  std::array<char, 64 << 10> room;
  while (remaining_ > 0) {
    const std::size_t n = TRY(read(room));
    out.append(room.data(), n);
  }
  return out;
}

Status TarReader::pass_over_current() {
  std::array<char, 64 << 10> room;
  while (remaining_ > 0)
    TRY(read(room));
  const auto n = read_fully(source_, std::span(room).first(padding_));
  if (!n) return source_failed(n.error());
  offset_ += *n;
  if (*n < padding_) return truncated();
  padding_ = 0;
  return {};
}

// After the first zero block. Reads on to the end of the stream, so that what checks it (a gzip
// checksum) has its say.
Status TarReader::finish_archive() {
  ended_ = true;
  Block block;
  const bool second = TRY(read_block(block));
  if (second && std::ranges::any_of(block, [](char c) { return c != '\0'; })) {
    return corrupt("an empty block that is not the end");
  }
  std::array<char, 64 << 10> room;
  ByteCount trailer = 0;
  while (true) {
    const auto n = source_.read(room);
    if (!n) return source_failed(n.error());
    if (*n == 0) return {};
    trailer += *n;
    if (trailer > kMaxTrailer) return corrupt("too much after the end mark");
  }
}

Result<TarEntry> TarReader::parse_header(const Block& raw) const {
  const std::string_view block(raw.data(), raw.size());
  if (!checksum_holds(block)) return corrupt("the checksum of a header does not hold");
  const auto size = number_field(block, 124, 12);
  const auto mode = number_field(block, 100, 8);
  const auto modified = number_field(block, 136, 12);
  if (!size || *size > std::numeric_limits<std::int64_t>::max())
    return corrupt("a size that is no number");
  std::string name(text_field(block, 0, 100));
  // GNU tar has other things than a prefix there.
  if (block.substr(257, 6) == std::string_view("ustar\0", 6)) {
    const std::string_view prefix = text_field(block, 345, 155);
    if (!prefix.empty()) name = fmt::format("{}/{}", prefix, name);
  }
  return TarEntry{.name = std::move(name),
                  .type = TarType::Other,
                  .size = *size,
                  .data_offset = offset_,
                  .mode = static_cast<std::uint32_t>(mode.value_or(0) & 07777U),
                  .modified = from_unix_seconds(modified.value_or(0))};
}

Status TarReader::parse_pax_records(std::string_view records, Extension& extension) const {
  while (!records.empty()) {
    const std::size_t blank = records.find(' ');
    const auto size = decimal<std::size_t>(records.substr(0, blank));
    if (blank == std::string_view::npos || !size || *size > records.size() || *size < blank + 3 ||
        records[*size - 1] != '\n') {
      return corrupt("a PAX record of the wrong length");
    }
    const std::string_view record = records.substr(blank + 1, *size - blank - 2);
    records.remove_prefix(*size);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return corrupt("a PAX record without a value");
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (value.empty()) continue;
    if (key == "path") {
      extension.name = value;
    } else if (key == "size") {
      const auto number = decimal<std::int64_t>(value);
      if (!number || *number < 0) return corrupt("a PAX size that is no number");
      extension.size = static_cast<ByteCount>(*number);
    } else if (key == "mtime") {
      const auto seconds = decimal<std::uint64_t>(value.substr(0, value.find('.')));
      if (seconds) extension.modified = from_unix_seconds(*seconds);
    } else if (key.starts_with("GNU.sparse.")) {
      return Error(Code::Unsupported, "the tar has a sparse file at byte {}", offset_);
    }
  }
  return {};
}

Status TarReader::read_extension(char type, const TarEntry& header, Extension& extension) {
  remaining_ = header.size;
  padding_ = tar_padding(header.size);
  const Bytes content = TRY(read_all(kMaxExtension));
  TRY(pass_over_current());
  if (type == 'x') return parse_pax_records(content, extension);
  if (type == 'L') extension.name = content.substr(0, content.find('\0'));
  return {};
}

Result<std::optional<TarEntry>> TarReader::next() {
  if (ended_) return std::optional<TarEntry>();
  TRY(pass_over_current());
  Extension extension;
  while (true) {
    Block block;
    const bool more = TRY(read_block(block));
    if (!more) return truncated();
    if (std::ranges::all_of(block, [](char c) { return c == '\0'; })) {
      TRY(finish_archive());
      return std::optional<TarEntry>();
    }
    TarEntry entry = TRY(parse_header(block));
    const char flag = block[156];
    // Global PAX records and long link names say nothing that is asked for here.
    if (flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K') {
      TRY(read_extension(flag, entry, extension));
      continue;
    }
    if (flag == 'S')
      return Error(Code::Unsupported, "the tar has a sparse file at byte {}", offset_);
    if (extension.name) entry.name = std::move(*extension.name);
    if (extension.size) entry.size = *extension.size;
    if (extension.modified) entry.modified = *extension.modified;
    if (has_no_content(flag)) entry.size = 0;
    entry.type = type_of(flag, entry.name);
    current_ = entry.name;
    remaining_ = entry.size;
    padding_ = tar_padding(entry.size);
    return std::optional<TarEntry>(std::move(entry));
  }
}

bool is_safe_entry_name(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace lateen
