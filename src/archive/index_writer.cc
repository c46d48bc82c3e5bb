#include "archive/index_writer.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"

namespace lateen::archive {

namespace {

// A block is read and unpacked whole for one object's line.
constexpr std::size_t kBlockSize = 24 << 10;

}  // namespace

Status IndexWriter::begin(std::string_view backup) {
  pending_ = "{\"format\":";
  append_json_string(pending_, kIndexFormat);
  pending_ += ",\"backup\":";
  append_json_string(pending_, backup);
  pending_ += fmt::format(",\"version\":{}}}\n", kIndexVersion);
  return {};
}

Status IndexWriter::add_member(const MemberRange& range, const IndexLines& objects) {
  pending_ += fmt::format("{{\"member\":{},\"offset\":{},\"length\":{},\"unpacked\":{}}}\n",
                          members_++, range.offset, range.length, range.unpacked_size);
  pending_ += objects.text;
  fingerprints_ += objects.fingerprints;
  return pending_.size() < kBlockSize ? Status() : flush();
}

Status IndexWriter::finish(const ArchiveTotals& totals) {
  TRY(flush());
  const ByteCount lookup_at = written_;
  const Bytes lookup = compressor_.member(lookup_);
  TRY(write(lookup));
  return write(end_member(
      fmt::format("{{\"end\":true,\"items\":{},\"members\":{},\"size\":{},\"sha256\":\"{}\","
                  "\"lookup\":{{\"offset\":{},\"length\":{},\"unpacked\":{}}}}}",
                  totals.items, totals.members, totals.size, totals.sha256, lookup_at,
                  lookup.size(), lookup_.size())));
}

// A block begins with the line of a member.
Status IndexWriter::flush() {
  const Bytes member = compressor_.member(pending_);
  lookup_ += fmt::format("{{\"block\":{{\"offset\":{},\"length\":{}}},\"fingerprints\":\"{}\"}}\n",
                         written_, member.size(), base64_encode(fingerprints_));
  pending_.clear();
  fingerprints_.clear();
  return write(member);
}

Status IndexWriter::write(BytesView member) {
  written_ += member.size();
  return sink_.write(member);
}

}  // namespace lateen::archive
