#include "archive/index_lookup.h"

#include <algorithm>

#include "archive/index_lines.h"
#include "base/encoding.h"
#include "base/gzip.h"
#include "base/json.h"
#include "base/text.h"

namespace lateen::archive {
namespace {

// The lookup is about 5% of an index: with this much of its end one read is nearly always enough.
constexpr ByteCount kTailShare = 10;
constexpr ByteCount kSmallestTail = 8_KiB;
// Five million objects have one of 30 MiB.
constexpr ByteCount kMaxLookup = 256_MiB;
constexpr ByteCount kMaxBlock = 64_MiB;  // unpacked

struct EndOfIndex {
  ByteCount tarball_size = 0;
  ByteCount offset = 0;  // of the lookup
  ByteCount length = 0;
  ByteCount unpacked = 0;
};

Result<EndOfIndex> read_end(BytesView tail, ByteCount index_size) {
  const Error none(Code::Unsupported, "the index has no lookup");
  if (tail.size() < kEndMember) return none;
  const auto line = gunzip_member(tail.substr(tail.size() - kEndMember), kEndLine);
  if (!line) return none;
  const auto json = parse_json(*line);
  const Json* lookup = json ? find(*json, "lookup") : nullptr;
  if (lookup == nullptr) return none;
  const auto size = index_count_at(*json, "size");
  const auto offset = index_count_at(*lookup, "offset");
  const auto length = index_count_at(*lookup, "length");
  const auto unpacked = index_count_at(*lookup, "unpacked");
  const bool fits = size && offset && length && unpacked && *offset <= index_size &&
                    *length <= index_size - *offset && *unpacked <= kMaxLookup;
  if (!fits) return Error(Code::Corrupt, "the end of the index does not say where its lookup is");
  return EndOfIndex{
      .tarball_size = *size, .offset = *offset, .length = *length, .unpacked = *unpacked};
}

// The line of the object among those of a block; nothing when it is not there.
Result<std::optional<IndexedObject>> find_line(BytesView block, const ItemKey& wanted) {
  std::string named = "\"name\":";
  append_json_string(named, wanted.name);
  std::optional<MemberRange> member;
  for (const std::string_view line : split(block, '\n')) {
    const bool is_member = line.starts_with("{\"member\":");
    if (!is_member && line.find(named) == std::string_view::npos) continue;
    const Json json = TRY(parse_json(line));
    if (is_member) {
      member = TRY(read_member_line(json, {}));
      continue;
    }
    if (!member) return Error(Code::Corrupt, "an object before any member");
    const ItemLine item = TRY(read_item_line(json, *member, 0));
    const ItemKey& key = item.entry.key;
    if (!key.preferred || key.name != wanted.name || key.ns != wanted.ns ||
        key.group_resource != wanted.group_resource)
      continue;
    return std::optional(IndexedObject{.group_resource = std::string(key.group_resource),
                                       .ns = std::string(key.ns),
                                       .name = std::string(key.name),
                                       .version = std::string(key.version),
                                       .member = *member,
                                       .location = item.location});
  }
  return std::optional<IndexedObject>();
}

}  // namespace

Result<Bytes> IndexedObject::extract(BytesView packed_member) const {
  const Bytes unpacked =
      TRY(gunzip_member(packed_member, member.unpacked_size).wrap("a member of the tarball"));
  return Bytes(TRY(cut_item(item(), unpacked)));
}

Result<IndexLookup> IndexLookup::open(ByteCount index_size, const RangeFetch& fetch) {
  const ByteCount wanted =
      std::min(index_size, std::max(kSmallestTail, index_size / kTailShare + kEndMember));
  const ByteCount tail_at = index_size - wanted;
  const Bytes tail = TRY(fetch(tail_at, wanted));
  if (tail.size() != wanted) return Error(Code::Corrupt, "the index is shorter than it was");
  const EndOfIndex end = TRY(read_end(tail, index_size));
  Bytes packed;
  if (end.offset >= tail_at) {
    packed = tail.substr(end.offset - tail_at, end.length);
  } else {
    packed = TRY(fetch(end.offset, end.length));
  }
  const Bytes text = TRY(gunzip_member(packed, end.unpacked).wrap("the lookup of an index"));
  IndexLookup lookup;
  lookup.tarball_size_ = end.tarball_size;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) TRY(lookup.take_block(line, end.offset).wrap("the lookup of an index"));
  }
  return lookup;
}

Status IndexLookup::take_block(std::string_view line, ByteCount end) {
  const Json json = TRY(parse_json(line));
  const Json* block = lateen::find(json, "block");
  if (block == nullptr) return Error(Code::Corrupt, "not a block's line");
  const auto offset = index_count_at(*block, "offset");
  const auto length = index_count_at(*block, "length");
  const Bytes prints = TRY(base64_decode(string_at(json, "fingerprints")));
  if (!offset || !length || *offset > end || *length > end - *offset ||
      prints.size() % kFingerprint != 0)
    return Error(Code::Corrupt, "not a block's line");
  blocks_.push_back({.offset = *offset,
                     .length = *length,
                     .objects_before = fingerprints_.size() / kFingerprint});
  fingerprints_ += prints;
  return {};
}

Result<std::optional<IndexedObject>> IndexLookup::find(std::string_view group_resource,
                                                       std::string_view ns,
                                                       std::string_view name,
                                                       const RangeFetch& fetch) const {
  const ItemKey wanted{.group_resource = group_resource, .ns = ns, .name = name, .version = {}};
  const std::string print = fingerprint(group_resource, ns, name);
  const Block* looked_into = nullptr;
  for (std::size_t at = fingerprints_.find(print); at != std::string::npos;
       at = fingerprints_.find(print, at + 1)) {
    if (at % kFingerprint != 0) continue;
    const auto behind = std::upper_bound(
        blocks_.begin(), blocks_.end(), at / kFingerprint,
        [](std::size_t object, const Block& block) { return object < block.objects_before; });
    const Block& block = *std::prev(behind);
    if (&block == looked_into) continue;
    looked_into = &block;
    const Bytes packed = TRY(fetch(block.offset, block.length));
    const Bytes lines = TRY(gunzip(packed, kMaxBlock).wrap("a block of an index"));
    if (auto found = TRY(find_line(lines, wanted))) return found;
  }
  return std::optional<IndexedObject>();
}

}  // namespace lateen::archive
