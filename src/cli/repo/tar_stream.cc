#include "cli/repo/tar_stream.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <sys/sysmacros.h>

#include "base/tar.h"

namespace lateen::cli::repo {
namespace {

using repository::Entry;
using repository::EntryType;

constexpr std::size_t kNameSize = 100;
// What eleven octal digits hold, and seven.
constexpr std::uint64_t kMaxOctal11 = (std::uint64_t{1} << 33) - 1;
constexpr std::uint64_t kMaxOctal7 = (std::uint64_t{1} << 21) - 1;

char type_flag(EntryType type) {
  switch (type) {
    case EntryType::Directory:
      return '5';
    case EntryType::Symlink:
      return '2';
    case EntryType::CharDevice:
      return '3';
    case EntryType::BlockDevice:
      return '4';
    case EntryType::Fifo:
      return '6';
    case EntryType::File:
    case EntryType::Socket:
    case EntryType::Unknown:
      break;
  }
  return '0';
}

void put_text(std::string& block, std::size_t at, std::size_t size, std::string_view text) {
  text = text.substr(0, size);
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
}

// `size` counts the zero byte behind the digits.
void put_octal(std::string& block, std::size_t at, std::size_t size, std::uint64_t value) {
  put_text(block, at, size - 1, fmt::format("{:0{}o}", value, size - 1));
}

std::string header(std::string_view name,
                   std::string_view link,
                   char type,
                   std::uint64_t size,
                   const Entry& entry) {
  std::string block(kTarBlock, '\0');
  put_text(block, 0, kNameSize, name);
  put_octal(block, 100, 8, entry.mode & 07777U);
  put_octal(block, 108, 8, std::min<std::uint64_t>(entry.uid, kMaxOctal7));
  put_octal(block, 116, 8, std::min<std::uint64_t>(entry.gid, kMaxOctal7));
  put_octal(block, 124, 12, std::min(size, kMaxOctal11));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(entry.mtime).time_since_epoch();
  const auto mtime = static_cast<std::uint64_t>(std::max<std::int64_t>(seconds.count(), 0));
  put_octal(block, 136, 12, std::min(mtime, kMaxOctal11));
  put_text(block, 148, 8, "        ");
  block[156] = type;
  put_text(block, 157, kNameSize, link);
  put_text(block, 257, 8, std::string_view("ustar\00000", 8));
  put_octal(block, 329, 8, std::min<std::uint64_t>(major(entry.rdevice), kMaxOctal7));
  put_octal(block, 337, 8, std::min<std::uint64_t>(minor(entry.rdevice), kMaxOctal7));
  const unsigned sum = std::accumulate(block.begin(), block.end(), 0U, [](unsigned total, char c) {
    return total + static_cast<unsigned char>(c);
  });
  put_text(block, 148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return block;
}

// "LENGTH KEY=VALUE\n", the length counting itself.
void append_record(std::string& out, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length)
    length = std::to_string(length).size() + rest;
  out += fmt::format("{} {}=", length, key);
  out += value;
  out += '\n';
}

std::string pax_time(TimePoint t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  const auto fraction = (t - seconds).count();
  const std::int64_t whole = seconds.time_since_epoch().count();
  if (fraction == 0) return std::to_string(whole);
  // Before 1970 the fraction counts down from the next second.
  const bool negative = whole < 0;
  std::string text = negative ? fmt::format("-{}.{:09}", -(whole + 1), 1'000'000'000 - fraction)
                              : fmt::format("{}.{:09}", whole, fraction);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string pax_records(std::string_view name, const Entry& entry) {
  std::string records;
  if (name.size() > kNameSize) append_record(records, "path", name);
  if (entry.link_target.size() > kNameSize) append_record(records, "linkpath", entry.link_target);
  if (entry.type == EntryType::File && entry.size > kMaxOctal11) {
    append_record(records, "size", std::to_string(entry.size));
  }
  if (entry.uid > kMaxOctal7) append_record(records, "uid", std::to_string(entry.uid));
  if (entry.gid > kMaxOctal7) append_record(records, "gid", std::to_string(entry.gid));
  const auto since_epoch = entry.mtime.time_since_epoch();
  if (since_epoch.count() < 0 || since_epoch % std::chrono::seconds(1) != Duration::zero()) {
    append_record(records, "mtime", pax_time(entry.mtime));
  }
  for (const repository::ExtendedAttribute& xattr : entry.xattrs)
    append_record(records, "SCHILY.xattr." + xattr.name, xattr.value);
  return records;
}

}  // namespace

Status TarStream::add(const std::string& path, const Entry& entry) {
  std::string name = path.substr(path.find_first_not_of('/'));
  if (entry.type == EntryType::Directory) name += '/';
  const std::string records = pax_records(name, entry);
  if (!records.empty()) {
    TRY(sink_.write(header("./PaxHeaders/" + name.substr(0, 80), "", 'x', records.size(), {})));
    TRY(sink_.write(records));
    TRY(pad(records.size()));
  }
  const bool file = entry.type == EntryType::File;
  const std::string_view link =
      entry.type == EntryType::Symlink ? std::string_view(entry.link_target) : std::string_view();
  return sink_.write(header(name, link, type_flag(entry.type), file ? entry.size : 0, entry));
}

Status TarStream::pad(ByteCount size) {
  return sink_.write(std::string(tar_padding(size), '\0'));
}

Status TarStream::finish() {
  std::string end;
  append_tar_end(end);
  return sink_.write(end);
}

}  // namespace lateen::cli::repo
