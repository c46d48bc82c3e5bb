#include "cli/repo/zip_stream.h"

#include <algorithm>

#include <sys/stat.h>

#include "base/crc.h"
#include "base/utf8.h"
#include "base/zone.h"

namespace lateen::cli::repo {
namespace {

using repository::Entry;
using repository::EntryType;

constexpr std::uint16_t kVersion = 45;  // zip64
constexpr std::uint16_t kMadeByUnix = (3U << 8) | kVersion;
// Sizes and sum are behind the content.
constexpr std::uint16_t kFlags = 1U << 3;
constexpr std::uint16_t kUtf8Name = 1U << 11;
constexpr std::uint32_t kMax32 = 0xffffffff;
constexpr std::uint16_t kMax16 = 0xffff;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint16_t kTimeExtra = 0x5455;

template <typename Number>
void put(std::string& out, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

// Two seconds' grain, local time, 1980 at the earliest.
std::uint32_t dos_time(TimePoint t) {
  const CivilTime c = Zone::local().to_civil(t);
  if (c.year < 1980) return (1U << 21) | (1U << 16);
  const auto field = [](auto value) { return static_cast<std::uint32_t>(value); };
  const std::uint32_t date =
      (std::min(field(c.year) - 1980, 127U) << 9) | (field(c.month) << 5) | field(c.day);
  return (date << 16) | (field(c.hour) << 11) | (field(c.minute) << 5) | (field(c.second) / 2);
}

std::uint32_t unix_mode(const Entry& entry) {
  const std::uint32_t type = entry.type == EntryType::Directory ? S_IFDIR
                             : entry.type == EntryType::Symlink ? S_IFLNK
                                                                : S_IFREG;
  return type | entry.mode;
}

// Names are bytes; readers are told which of them are text.
std::uint16_t flags_of(std::string_view name) {
  while (!name.empty()) {
    const Utf8Char c = decode_utf8(name);
    if (!c.valid) return kFlags;
    name.remove_prefix(c.length);
  }
  return kFlags | kUtf8Name;
}

std::string time_extra(std::int64_t seconds) {
  std::string out;
  put<std::uint16_t>(out, kTimeExtra);
  put<std::uint16_t>(out, 5);
  out.push_back(1);  // the time of modification only
  put<std::uint32_t>(out, static_cast<std::uint32_t>(seconds));
  return out;
}

}  // namespace

Status ZipStream::write(BytesView bytes) {
  offset_ += bytes.size();
  return sink_.write(bytes);
}

Status ZipStream::Content::write(BytesView bytes) {
  Listed& entry = zip_.listed_.back();
  entry.crc = crc32(bytes, entry.crc);
  entry.size += bytes.size();
  return zip_.write(bytes);
}

Status ZipStream::add(const std::string& path, const Entry& entry) {
  Listed listed{
      .name = path.substr(path.find_first_not_of('/')),
      .attributes = unix_mode(entry) << 16,
      .time = dos_time(entry.mtime),
      .unix_time = std::chrono::floor<std::chrono::seconds>(entry.mtime).time_since_epoch().count(),
      .at = offset_};
  if (entry.type == EntryType::Directory) {
    listed.name += '/';
    listed.attributes |= 0x10;  // MS-DOS' mark of a folder
  }
  if (listed.name.size() > kMax16) {
    return Error(Code::Unsupported, "{}... is too long a name for a zip file", path.substr(0, 200));
  }
  std::string header;
  put<std::uint32_t>(header, 0x04034b50);
  put<std::uint16_t>(header, kVersion);
  put<std::uint16_t>(header, flags_of(listed.name));
  put<std::uint16_t>(header, 0);  // stored
  put<std::uint32_t>(header, listed.time);
  put<std::uint32_t>(header, 0);       // the sum is behind the content
  put<std::uint32_t>(header, kMax32);  // and so are the sizes, of eight bytes each
  put<std::uint32_t>(header, kMax32);
  // Whoever reads a stream knows by this field that the sizes behind the content have eight bytes.
  std::string extra;
  put<std::uint16_t>(extra, kZip64Extra);
  put<std::uint16_t>(extra, 16);
  put<std::uint64_t>(extra, 0);
  put<std::uint64_t>(extra, 0);
  extra += time_extra(listed.unix_time);
  put<std::uint16_t>(header, static_cast<std::uint16_t>(listed.name.size()));
  put<std::uint16_t>(header, static_cast<std::uint16_t>(extra.size()));
  listed_.push_back(std::move(listed));
  TRY(write(header + listed_.back().name + extra));
  if (entry.type == EntryType::File) return {};
  if (entry.type == EntryType::Symlink) TRY(content_.write(entry.link_target));
  return end_file();
}

Status ZipStream::end_file() {
  const Listed& entry = listed_.back();
  std::string sums;
  put<std::uint32_t>(sums, 0x08074b50);
  put<std::uint32_t>(sums, entry.crc);
  put<std::uint64_t>(sums, entry.size);
  put<std::uint64_t>(sums, entry.size);
  return write(sums);
}

Status ZipStream::finish() {
  const ByteCount start = offset_;
  for (const Listed& entry : listed_) {
    std::string extra;
    put<std::uint16_t>(extra, kZip64Extra);
    put<std::uint16_t>(extra, 24);
    put<std::uint64_t>(extra, entry.size);
    put<std::uint64_t>(extra, entry.size);
    put<std::uint64_t>(extra, entry.at);
    extra += time_extra(entry.unix_time);
    std::string row;
    put<std::uint32_t>(row, 0x02014b50);
    put<std::uint16_t>(row, kMadeByUnix);
    put<std::uint16_t>(row, kVersion);
    put<std::uint16_t>(row, flags_of(entry.name));
    put<std::uint16_t>(row, 0);
    put<std::uint32_t>(row, entry.time);
    put<std::uint32_t>(row, entry.crc);
    put<std::uint32_t>(row, kMax32);
    put<std::uint32_t>(row, kMax32);
    put<std::uint16_t>(row, static_cast<std::uint16_t>(entry.name.size()));
    put<std::uint16_t>(row, static_cast<std::uint16_t>(extra.size()));
    put<std::uint16_t>(row, 0);  // comment
    put<std::uint16_t>(row, 0);  // disk
    put<std::uint16_t>(row, 0);  // internal attributes
    put<std::uint32_t>(row, entry.attributes);
    put<std::uint32_t>(row, kMax32);
    TRY(write(row + entry.name + extra));
  }
  const ByteCount size = offset_ - start;
  const ByteCount end64 = offset_;
  std::string end;
  put<std::uint32_t>(end, 0x06064b50);
  put<std::uint64_t>(end, 44);
  put<std::uint16_t>(end, kMadeByUnix);
  put<std::uint16_t>(end, kVersion);
  put<std::uint32_t>(end, 0);
  put<std::uint32_t>(end, 0);
  put<std::uint64_t>(end, listed_.size());
  put<std::uint64_t>(end, listed_.size());
  put<std::uint64_t>(end, size);
  put<std::uint64_t>(end, start);
  put<std::uint32_t>(end, 0x07064b50);
  put<std::uint32_t>(end, 0);
  put<std::uint64_t>(end, end64);
  put<std::uint32_t>(end, 1);
  put<std::uint32_t>(end, 0x06054b50);
  put<std::uint16_t>(end, 0);
  put<std::uint16_t>(end, 0);
  put<std::uint16_t>(end, kMax16);
  put<std::uint16_t>(end, kMax16);
  put<std::uint32_t>(end, kMax32);
  put<std::uint32_t>(end, kMax32);
  put<std::uint16_t>(end, 0);
  return write(end);
}

}  // namespace lateen::cli::repo
