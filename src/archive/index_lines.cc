#include "archive/index_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/crc.h"
#include "base/encoding.h"

namespace lateen::archive {
namespace {

// "name":"value",
void append_text_field(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  append_json_string(out, value);
  out += ',';
}

void append_little_endian(Bytes& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out += static_cast<char>(value >> (8 * i) & 0xff);
}

Error broken_line(std::string_view why) {
  return {Code::Corrupt, "{}", why};
}

}  // namespace

std::string fingerprint(std::string_view group_resource,
                        std::string_view ns,
                        std::string_view name) {
  std::string names;
  for (const std::string_view part : {group_resource, ns, name}) {
    names += part;
    names += '\n';
  }
  const Sha256Digest digest = sha256_digest(names);
  return {digest.data(), kFingerprint};
}

void IndexLines::add(const ItemKey& key, const ItemLocation& location) {
  text += '{';
  append_text_field(text, "resource", key.group_resource);
  if (!key.ns.empty()) append_text_field(text, "namespace", key.ns);
  append_text_field(text, "name", key.name);
  if (!key.version.empty()) append_text_field(text, "version", key.version);
  if (!key.preferred) text += "\"preferred\":false,";
  append_index_number(text, "offset", location.offset);
  append_index_number(text, "size", location.size);
  text += "\"sha256\":\"";
  text += hex_encode({location.sha256.data(), location.sha256.size()});
  text += "\"}\n";
  fingerprints += fingerprint(key.group_resource, key.ns, key.name);
}

void append_index_number(std::string& out, std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out += '"';
  out += name;
  out += "\":";
  out.append(digits.data(), end);
  out += ',';
}

std::optional<ByteCount> index_count_at(const Json& line, std::string_view field) {
  const auto value = int_at(line, field);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<ByteCount>(*value);
}

Result<MemberRange> read_member_line(const Json& line, const ArchiveLimits& limits) {
  const auto offset = index_count_at(line, "offset");
  const auto length = index_count_at(line, "length");
  const auto unpacked = index_count_at(line, "unpacked");
  if (!offset || !length || !unpacked) return broken_line("not a member's line");
  // One object, its padding, or many small ones: never much more than the largest object.
  if (*unpacked > limits.max_item_size + 1_MiB || *length > *unpacked + 1_MiB) {
    return broken_line("a member that is too large");
  }
  return MemberRange{.offset = *offset, .length = *length, .unpacked_size = *unpacked};
}

Result<ItemLine> read_item_line(const Json& line, const MemberRange& member, std::size_t number) {
  const auto offset = index_count_at(line, "offset");
  const auto size = index_count_at(line, "size");
  const auto digest = hex_decode(string_at(line, "sha256"));
  if (!offset || !size || !digest || digest->size() != sizeof(Sha256Digest)) {
    return broken_line("not an object's line");
  }
  const ByteCount room = member.unpacked_size;
  if (*offset > room || *size > room - *offset) return broken_line("an object outside its member");
  const bool preferred = bool_at(line, "preferred").value_or(true);
  const ItemKey key{.group_resource = string_at(line, "resource"),
                    .ns = string_at(line, "namespace"),
                    .name = string_at(line, "name"),
                    .version = string_at(line, "version"),
                    .preferred = preferred};
  // The same names as in the tarball, or none.
  const ItemCopy copy = preferred ? ItemCopy::Plain : ItemCopy::Versioned;
  if (!parse_entry_name(entry_name(key, copy)) || !why_no_object(key).empty())
    return broken_line("a name that cannot be in an archive");
  ItemLine item{
      .entry = {.key = key, .copy = copy},
      .location = {.offset = *offset, .size = *size, .member = static_cast<std::uint32_t>(number)}};
  std::memcpy(item.location.sha256.data(), digest->data(), digest->size());
  return item;
}

Bytes end_member(std::string line) {
  LATEEN_ASSERT(line.size() < kEndLine, "its numbers and digests are of bounded length");
  line.resize(kEndLine - 1, ' ');
  line += '\n';
  // RFC 1952 and 1951: no name, no time; one stored block, which is the last.
  Bytes member("\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11);
  append_little_endian(member, kEndLine, 2);
  append_little_endian(member, 0xffff - kEndLine, 2);
  member += line;
  append_little_endian(member, crc32(line), 4);
  append_little_endian(member, kEndLine, 4);
  return member;
}

}  // namespace lateen::archive
