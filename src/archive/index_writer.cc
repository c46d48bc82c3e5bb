#include "archive/index_writer.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"

namespace lateen::archive {

namespace {

constexpr std::size_t kFlushSize = 256 << 10;

// "name":"value",
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  append_json_string(out, value);
  out += ',';
}

void append_number(std::string& out, std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out += '"';
  out += name;
  out += "\":";
  out.append(digits.data(), end);
  out += ',';
}

}  // namespace

void append_index_line(std::string& out, const ItemKey& key, const ItemLocation& location) {
  out += '{';
  append_field(out, "resource", key.group_resource);
  if (!key.ns.empty()) append_field(out, "namespace", key.ns);
  append_field(out, "name", key.name);
  if (!key.version.empty()) append_field(out, "version", key.version);
  if (!key.preferred) out += "\"preferred\":false,";
  append_number(out, "offset", location.offset);
  append_number(out, "size", location.size);
  out += "\"sha256\":\"";
  out += hex_encode({location.sha256.data(), location.sha256.size()});
  out += "\"}\n";
}

Status IndexWriter::begin(std::string_view backup) {
  pending_ = "{";
  append_field(pending_, "format", kIndexFormat);
  append_field(pending_, "backup", backup);
  pending_ += fmt::format("\"version\":{}}}\n", kIndexVersion);
  return {};
}

Status IndexWriter::add_member(const MemberRange& range, std::string_view item_lines) {
  pending_ += fmt::format("{{\"member\":{},\"offset\":{},\"length\":{},\"unpacked\":{}}}\n",
                          members_++, range.offset, range.length, range.unpacked_size);
  pending_ += item_lines;
  return pending_.size() < kFlushSize ? Status() : flush();
}

Status IndexWriter::finish(const ArchiveTotals& totals) {
  pending_ +=
      fmt::format("{{\"end\":true,\"items\":{},\"members\":{},\"size\":{},\"sha256\":\"{}\"}}\n",
                  totals.items, totals.members, totals.size, totals.sha256);
  return flush();
}

Status IndexWriter::flush() {
  const Bytes member = compressor_.member(pending_);
  pending_.clear();
  return sink_.write(member);
}

}  // namespace lateen::archive
