// The writer half of tar.h: what Go's archive/tar Writer does with a header of unspecified format.
#include <algorithm>
#include <cstring>

#include "base/tar.h"

namespace lateen {

namespace {

constexpr std::size_t kNameSize = 100;
constexpr std::size_t kPrefixSize = 155;

// Offsets of the USTAR header's fields.
struct Field {
  std::size_t at;
  std::size_t size;
};

constexpr Field kName{0, kNameSize};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kModified{136, 12};
constexpr Field kChecksum{148, 8};
constexpr std::size_t kType = 156;
constexpr Field kMagic{257, 8};
constexpr Field kDevMajor{329, 8};
constexpr Field kDevMinor{337, 8};
constexpr Field kPrefix{345, kPrefixSize};

using Block = std::array<char, kTarBlock>;

void put_text(Block& block, Field field, std::string_view text) {
  const std::size_t n = std::min(field.size, text.size());
  std::copy_n(text.begin(), n, block.begin() + static_cast<std::ptrdiff_t>(field.at));
  // A name cut at a slash would be taken for a folder by some readers.
  if (text.size() > field.size && text[field.size - 1] == '/')
    block[field.at + field.size - 1] = '\0';
}

bool fits_octal(Field field, std::uint64_t value) {
  return value < (1ULL << (3 * (field.size - 1)));
}

void put_octal(Block& block, Field field, std::uint64_t value) {
  // What does not fit is zero here and right in the PAX record.
  if (!fits_octal(field, value)) value = 0;
  for (std::size_t i = field.size - 1; i > 0; value >>= 3U)
    block[field.at + --i] = static_cast<char>('0' + (value & 7U));
}

void append_with_checksum(std::string& out, Block& block) {
  put_text(block, kMagic, std::string_view("ustar\00000", 8));
  std::memset(block.data() + kChecksum.at, ' ', kChecksum.size);
  unsigned sum = 0;
  for (const char c : block)
    sum += static_cast<unsigned char>(c);
  put_octal(block, {kChecksum.at, kChecksum.size - 1}, sum);
  block[kChecksum.at + 6] = '\0';
  out.append(block.data(), block.size());
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string to_ascii(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return out;
}

struct SplitName {
  std::string_view prefix;
  std::string_view name;
};

// How USTAR holds the name; nothing if it cannot.
std::optional<SplitName> split_name(std::string_view name) {
  if (!is_ascii(name)) return std::nullopt;
  if (name.size() <= kNameSize) return SplitName{{}, name};
  const std::size_t slash = name.substr(0, kPrefixSize + 1).rfind('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  const SplitName split{name.substr(0, slash), name.substr(slash + 1)};
  if (split.name.empty() || split.name.size() > kNameSize) return std::nullopt;
  return split;
}

// "<length> <key>=<value>\n", where the length counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t bare = key.size() + value.size() + 3;
  std::size_t size = bare + std::to_string(bare).size();
  size = bare + std::to_string(size).size();
  return fmt::format("{} {}={}\n", size, key, value);
}

void append_pax_header(std::string& out, std::string_view name, std::string_view records) {
  const std::size_t slash = name.rfind('/');
  const std::size_t file = slash == std::string_view::npos ? 0 : slash + 1;
  std::string pax_name =
      to_ascii(fmt::format("{}PaxHeaders.0/{}", name.substr(0, file), name.substr(file)));
  if (pax_name.size() > kNameSize) pax_name.resize(kNameSize);
  while (pax_name.ends_with('/'))
    pax_name.pop_back();
  Block block = {};
  put_text(block, kName, pax_name);
  for (const Field field : {kMode, kUid, kGid, kModified})
    put_octal(block, field, 0);
  put_octal(block, kSize, records.size());
  block[kType] = 'x';
  append_with_checksum(out, block);
  out += records;
  out.append(tar_padding(records.size()), '\0');
}

std::uint64_t unix_seconds(TimePoint time) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(time).time_since_epoch().count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0));
}

}  // namespace

Status append_tar_header(std::string& out, const TarFile& file) {
  if (!is_safe_entry_name(file.name)) {
    return Error(Code::InvalidArgument, "\"{}\" cannot be the name of a file in a tar", file.name);
  }
  const auto split = split_name(file.name);
  const bool ustar = split && fits_octal(kSize, file.size);
  if (!ustar) {
    std::string records;
    if (file.name.size() > kNameSize || !is_ascii(file.name))
      records += pax_record("path", file.name);
    if (!fits_octal(kSize, file.size)) records += pax_record("size", std::to_string(file.size));
    append_pax_header(out, file.name, records);
  }
  Block block = {};
  if (ustar) {
    put_text(block, kName, split->name);
    put_text(block, kPrefix, split->prefix);
  } else {
    put_text(block, kName, to_ascii(file.name));
  }
  put_octal(block, kMode, file.mode);
  put_octal(block, kUid, 0);
  put_octal(block, kGid, 0);
  put_octal(block, kSize, file.size);
  put_octal(block, kModified, unix_seconds(file.modified));
  put_octal(block, kDevMajor, 0);
  put_octal(block, kDevMinor, 0);
  block[kType] = '0';
  append_with_checksum(out, block);
  return {};
}

void append_tar_end(std::string& out) {
  out.append(2 * kTarBlock, '\0');
}

}  // namespace lateen
