// Version 2, all integers big-endian:
//
//   0  u8 version = 2 | u8 key size | u16 entry size 16…19 | u32 entries | u32 packs | u8 formats |
//      u32 base time
//   17 entries × (key, entry)          key = letter or 0, then the hash; sorted
//      packs × (u8 name length, u32 name offset)
//      formats × (u32 compression, u8 format version, u8 encryption key)
//      the names; perhaps random bytes
//
//   entry: u32 seconds after base | u32 deleted << 31, offset | u24 original | u24 packed | u16
//   pack
//          [| u8 format [| u8 pack bits 16–23 [| u4 original bits 24–27, u4 packed bits 24–27]]]
//
// Version 1: u8 1 | u8 key size | u16 20 | u32 entries, entries × (key, entry), names;
//   entry: u48 seconds | u8 format version | u8 name length | u32 name offset |
//          u32 deleted << 31, offset | u32 packed
#include "repository/kopia/index_blob.h"

#include <algorithm>
#include <unordered_map>

#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kHeaderV1 = 8;
constexpr std::size_t kHeaderV2 = 17;
constexpr std::size_t kEntryV1 = 20;
constexpr std::size_t kLeastEntryV2 = 16;
constexpr std::size_t kMostEntryV2 = 64;
constexpr std::size_t kPackRowV2 = 5;
constexpr std::size_t kFormatRowV2 = 6;
constexpr std::uint32_t kDeletedBit = 0x8000'0000U;
constexpr std::uint32_t kMaxOffsetV2 = 1U << 30U;
constexpr std::uint32_t kMaxLengthV2 = 1U << 28U;

std::uint64_t get(BytesView bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = (value << 8U) | static_cast<std::uint8_t>(bytes[at + i]);
  }
  return value;
}

std::uint32_t get32(BytesView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(get(bytes, at, 4));
}

void put(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = size; i > 0; --i)
    out += static_cast<char>(value >> (8 * (i - 1)));
}

Error corrupt(std::string_view why) {
  return Error(Code::Corrupt, "not an index: {}", why);
}

// The fields of a version 2 entry as they lie there.
struct RawEntry {
  ContentEntry entry;
  std::size_t format = 0;
};

// Seconds fit 32 bits until 2106; what says otherwise is damaged or wrong, and only ever compared.
std::uint32_t clamp_time(std::uint64_t seconds) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(seconds, 0xffff'ffffU));
}

RawEntry parse_entry_v2(BytesView row, std::uint64_t base_time) {
  RawEntry raw;
  ContentEntry& entry = raw.entry;
  entry.time = clamp_time(base_time + get32(row, 0));
  const std::uint32_t place = get32(row, 4);
  entry.deleted = (place & kDeletedBit) != 0;
  entry.offset = place & ~kDeletedBit;
  entry.length = static_cast<std::uint32_t>(get(row, 8, 3));
  entry.packed_length = static_cast<std::uint32_t>(get(row, 11, 3));
  entry.pack = static_cast<std::uint32_t>(get(row, 14, 2));
  if (row.size() > 16) raw.format = static_cast<std::uint8_t>(row[16]);
  if (row.size() > 17) entry.pack |= static_cast<std::uint32_t>(get(row, 17, 1)) << 16U;
  if (row.size() > 18) {
    const auto high = static_cast<std::uint32_t>(get(row, 18, 1));
    entry.length |= (high >> 4U) << 24U;
    entry.packed_length |= (high & 15U) << 24U;
  }
  return raw;
}

}  // namespace

Result<IndexReader> IndexReader::open(BytesView plain, std::uint32_t overhead) {
  if (plain.size() < kHeaderV1) return corrupt("too short");
  IndexReader reader;
  reader.plain_ = plain;
  reader.overhead_ = overhead;
  reader.version_ = plain[0];
  const bool second = reader.version_ == 2;
  if (!second && reader.version_ != 1) {
    return Error(Code::Unsupported, "index version {} is not known", reader.version_);
  }
  reader.header_size_ = second ? kHeaderV2 : kHeaderV1;
  if (plain.size() < reader.header_size_) return corrupt("too short");
  reader.key_size_ = static_cast<std::uint8_t>(plain[1]);
  reader.entry_size_ = static_cast<std::size_t>(get(plain, 2, 2));
  reader.count_ = get32(plain, 4);
  if (reader.count_ > 0 && (reader.key_size_ < 2 || reader.key_size_ > kMaxHashSize + 1)) {
    return corrupt("impossible key size");
  }
  // What comes after byte 19 of an entry of version 2 is not ours to know.
  const std::size_t least = second ? kLeastEntryV2 : kEntryV1;
  const std::size_t most = second ? kMostEntryV2 : kEntryV1;
  if (reader.count_ > 0 && (reader.entry_size_ < least || reader.entry_size_ > most)) {
    return corrupt("impossible entry size");
  }
  const std::size_t stride = reader.key_size_ + reader.entry_size_;
  reader.end_ = reader.header_size_ + reader.count_ * stride;
  if (reader.end_ > plain.size()) return corrupt("shorter than its header says");
  if (second) {
    reader.base_time_ = get32(plain, 13);
    TRY(reader.read_tables(get32(plain, 8), static_cast<std::uint8_t>(plain[12])));
  }
  return reader;
}

Status IndexReader::take_name(std::size_t offset, std::size_t length) {
  if (offset > plain_.size() || length > plain_.size() - offset) {
    return corrupt("a pack's name lies outside of it");
  }
  packs_.emplace_back(plain_.substr(offset, length));
  end_ = std::max(end_, offset + length);
  return {};
}

Status IndexReader::read_tables(std::size_t packs, std::size_t formats) {
  const std::size_t packs_at = end_;
  const std::size_t formats_at = packs_at + packs * kPackRowV2;
  end_ = formats_at + formats * kFormatRowV2;
  if (end_ > plain_.size()) return corrupt("shorter than its header says");
  for (std::size_t i = 0; i < packs; ++i) {
    const std::size_t at = packs_at + i * kPackRowV2;
    TRY(take_name(get32(plain_, at + 1), static_cast<std::size_t>(get(plain_, at, 1))));
  }
  for (std::size_t i = 0; i < formats; ++i) {
    const std::size_t at = formats_at + i * kFormatRowV2;
    const std::uint32_t codec = get32(plain_, at);
    if (codec > 0xffffU) return corrupt("an impossible compressor");
    formats_.push_back({.codec = static_cast<std::uint16_t>(codec),
                        .version = static_cast<std::uint8_t>(plain_[at + 4])});
  }
  return {};
}

Result<std::uint32_t> IndexReader::pack_at(std::size_t offset, std::size_t length) {
  const auto [it, fresh] =
      pack_by_name_.try_emplace(offset << 8U | length, static_cast<std::uint32_t>(packs_.size()));
  if (fresh) TRY(take_name(offset, length));
  return it->second;
}

Result<ContentEntry> IndexReader::read_v1(BytesView row) {
  ContentEntry entry;
  entry.time = clamp_time(get(row, 0, 6));
  entry.version = static_cast<std::uint8_t>(row[6]);
  entry.pack = TRY(pack_at(get32(row, 8), static_cast<std::uint8_t>(row[7])));
  const std::uint32_t place = get32(row, 12);
  entry.deleted = (place & kDeletedBit) != 0;
  entry.offset = place & ~kDeletedBit;
  entry.packed_length = get32(row, 16);
  if (entry.packed_length < overhead_) return corrupt("an entry is too short to be a content");
  entry.length = entry.packed_length - overhead_;
  return entry;
}

Result<ContentEntry> IndexReader::read_v2(BytesView row) const {
  RawEntry raw = parse_entry_v2(row, base_time_);
  if (raw.entry.pack >= packs_.size()) return corrupt("an entry names a pack that is not there");
  if (raw.format >= formats_.size()) return corrupt("an entry names a format that is not there");
  raw.entry.codec = formats_[raw.format].codec;
  raw.entry.version = formats_[raw.format].version;
  return raw.entry;
}

Result<ContentEntry> IndexReader::at(std::size_t row) {
  LATEEN_ASSERT(row < count_, "rows are counted");
  const std::size_t stride = key_size_ + entry_size_;
  const BytesView all = plain_.substr(header_size_ + row * stride, stride);
  const BytesView fields = all.substr(key_size_);
  ContentEntry entry = version_ == 1 ? TRY(read_v1(fields)) : TRY(read_v2(fields));
  entry.id = TRY(content_id_from_key(all.substr(0, key_size_)));
  return entry;
}

Result<IndexBlob> IndexBlob::parse(BytesView plain, std::uint32_t overhead) {
  IndexReader reader = TRY(IndexReader::open(plain, overhead));
  IndexBlob blob;
  blob.entries_.reserve(reader.size());
  for (std::size_t i = 0; i < reader.size(); ++i)
    blob.entries_.push_back(TRY(reader.at(i)));
  blob.packs_.assign(reader.packs().begin(), reader.packs().end());
  blob.trailing_ = reader.trailing();
  return blob;
}

namespace {

// What the tables of an index hold, in the order of first use.
struct Tables {
  std::vector<std::uint32_t> packs = {};  // numbers of the writer's table
  std::unordered_map<std::uint32_t, std::uint32_t> pack_rows = {};
  std::vector<std::pair<std::uint16_t, std::uint8_t>> formats = {};
  bool long_lengths = false;

  std::size_t format_row(const ContentEntry& entry) const {
    const std::pair key{entry.codec, entry.version};
    return static_cast<std::size_t>(std::find(formats.begin(), formats.end(), key) -
                                    formats.begin());
  }

  std::size_t entry_size() const {
    if (long_lengths) return 19;
    if (packs.size() > 0x10000) return 18;
    return formats.size() > 1 ? 17 : 16;
  }
};

Status check_entry(const ContentEntry& entry, std::size_t hash_size, int version) {
  if (std::size_t{entry.id.size} != hash_size) {
    return Error(Code::InvalidArgument, "the contents of one index have hashes of two lengths");
  }
  if (version == 1) {
    if (entry.codec != 0) {
      return Error(Code::InvalidArgument, "index version 1 cannot name compressed contents");
    }
    return {};
  }
  if (entry.offset >= kMaxOffsetV2 || entry.packed_length >= kMaxLengthV2 ||
      entry.length >= kMaxLengthV2) {
    return Error(Code::InvalidArgument, "content {} is too large for an index", entry.id.text());
  }
  return {};
}

Result<Tables> collect_tables(std::span<const ContentEntry> entries,
                              std::span<const std::string> packs,
                              int version) {
  Tables tables;
  const std::size_t hash_size = entries.empty() ? 0 : std::size_t{entries.front().id.size};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ContentEntry& entry = entries[i];
    TRY(check_entry(entry, hash_size, version));
    if (i > 0 && !(entries[i - 1].id < entry.id)) {
      return Error(Code::InvalidArgument, "the entries of an index must be sorted");
    }
    LATEEN_ASSERT(entry.pack < packs.size(), "entries name packs of the table");
    if (packs[entry.pack].size() > 255) {
      return Error(Code::InvalidArgument, "the name of a pack is too long: {}", packs[entry.pack]);
    }
    const auto row = static_cast<std::uint32_t>(tables.packs.size());
    if (tables.pack_rows.try_emplace(entry.pack, row).second) tables.packs.push_back(entry.pack);
    if (tables.format_row(entry) == tables.formats.size()) {
      tables.formats.emplace_back(entry.codec, entry.version);
    }
    const std::uint32_t longest = std::max(entry.length, entry.packed_length);
    tables.long_lengths = tables.long_lengths || longest >= (1U << 24U);
  }
  if (tables.formats.size() > 255 || tables.packs.size() >= (1U << 24U)) {
    return Error(Code::InvalidArgument, "too many packs or formats for one index");
  }
  return tables;
}

void put_entry_v2(Bytes& out, const ContentEntry& entry, const Tables& tables) {
  const std::uint32_t pack = tables.pack_rows.at(entry.pack);
  const std::size_t size = tables.entry_size();
  put(out, entry.time, 4);
  put(out, entry.offset | (entry.deleted ? kDeletedBit : 0), 4);
  put(out, entry.length & 0xff'ffffU, 3);
  put(out, entry.packed_length & 0xff'ffffU, 3);
  put(out, pack & 0xffffU, 2);
  if (size > 16) put(out, tables.format_row(entry), 1);
  if (size > 17) put(out, pack >> 16U, 1);
  if (size > 18) {
    put(out, (entry.length >> 24U) << 4U | (entry.packed_length >> 24U), 1);
  }
}

Bytes encode_v2(std::span<const ContentEntry> entries,
                std::span<const std::string> packs,
                const Tables& tables) {
  const std::size_t key_size = entries.empty() ? 0 : std::size_t{entries.front().id.size} + 1;
  Bytes out;
  out.reserve(kHeaderV2 + entries.size() * (key_size + 19) + tables.packs.size() * 70);
  put(out, 2, 1);
  put(out, key_size, 1);
  put(out, tables.entry_size(), 2);
  put(out, entries.size(), 4);
  put(out, tables.packs.size(), 4);
  put(out, tables.formats.size(), 1);
  put(out, 0, 4);
  for (const ContentEntry& entry : entries) {
    append_key(out, entry.id);
    put_entry_v2(out, entry, tables);
  }
  std::size_t name_at =
      out.size() + tables.packs.size() * kPackRowV2 + tables.formats.size() * kFormatRowV2;
  for (const std::uint32_t pack : tables.packs) {
    put(out, packs[pack].size(), 1);
    put(out, name_at, 4);
    name_at += packs[pack].size();
  }
  for (const auto& [compression, version] : tables.formats) {
    put(out, compression, 4);
    put(out, version, 1);
    put(out, 0, 1);
  }
  for (const std::uint32_t pack : tables.packs)
    out += packs[pack];
  return out;
}

Bytes encode_v1(std::span<const ContentEntry> entries,
                std::span<const std::string> packs,
                const Tables& tables) {
  const std::size_t key_size = entries.empty() ? 0 : std::size_t{entries.front().id.size} + 1;
  Bytes out;
  put(out, 1, 1);
  put(out, key_size, 1);
  put(out, kEntryV1, 2);
  put(out, entries.size(), 4);
  std::vector<std::size_t> name_offsets;
  std::size_t name_at = kHeaderV1 + entries.size() * (key_size + kEntryV1);
  for (const std::uint32_t pack : tables.packs) {
    name_offsets.push_back(name_at);
    name_at += packs[pack].size();
  }
  for (const ContentEntry& entry : entries) {
    append_key(out, entry.id);
    put(out, entry.time, 6);
    put(out, entry.version, 1);
    put(out, packs[entry.pack].size(), 1);
    put(out, name_offsets[tables.pack_rows.at(entry.pack)], 4);
    put(out, entry.offset | (entry.deleted ? kDeletedBit : 0), 4);
    put(out, entry.packed_length, 4);
  }
  for (const std::uint32_t pack : tables.packs)
    out += packs[pack];
  return out;
}

}  // namespace

Result<Bytes> encode_index(std::span<const ContentEntry> entries,
                           std::span<const std::string> packs,
                           int version) {
  LATEEN_ASSERT(version == 1 || version == 2, "kopia has index versions 1 and 2");
  const Tables tables = TRY(collect_tables(entries, packs, version));
  return version == 1 ? encode_v1(entries, packs, tables) : encode_v2(entries, packs, tables);
}

std::uint32_t index_shard(const ContentId& id, std::uint32_t shards) {
  std::uint32_t hash = 2166136261U;
  for (const char c : id.text()) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  }
  return hash % shards;
}

}  // namespace lateen::repository::kopia
