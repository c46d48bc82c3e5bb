#include "archive/index_writer.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"

namespace lateen::archive {

namespace {

constexpr std::size_t kFlushSize = 256 << 10;

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += fmt::format("\"{}\":", name);
  append_json_string(out, value);
  out += ',';
}

}  // namespace

std::string index_item_line(const ItemKey& key, const ItemLocation& location) {
  std::string line = "{";
  append_field(line, "resource", key.group_resource);
  if (!key.ns.empty()) append_field(line, "namespace", key.ns);
  append_field(line, "name", key.name);
  if (!key.version.empty()) append_field(line, "version", key.version);
  if (!key.preferred) line += "\"preferred\":false,";
  line += fmt::format("\"offset\":{},\"size\":{},\"sha256\":\"{}\"}}\n", location.offset,
                      location.size, hex_encode({location.sha256.data(), location.sha256.size()}));
  return line;
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
