// One index of kopia's, decrypted: which content lies where in which pack. Reads versions 1 and 2,
// writes both. docs: the layout is kopia's own; see index_blob.cc for the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/engine/content_id.h"

namespace lateen::repository::kopia {

// ContentEntry::pack numbers a table of names: the blob's own, or the writer's.

// Goes through an index without making anything of it but one entry at a time: indexes of ten
// million contents are common. Views the bytes that it was given. Not thread-safe.
class IndexReader {
 public:
  // `overhead` is what encryption adds to a content: version 1 does not store original lengths.
  static Result<IndexReader> open(BytesView plain, std::uint32_t overhead);

  std::size_t size() const { return count_; }

  // The entry at `row` < size(); Corrupt if it is not one.
  Result<ContentEntry> at(std::size_t row);

  // The names that ContentEntry::pack counts. Those of version 1 are there when an entry that names
  // them has been read.
  std::span<const std::string> packs() const { return packs_; }

  // Bytes behind the index itself, once all is read: random ones where a unique blob was wanted.
  std::size_t trailing() const { return plain_.size() - end_; }

 private:
  struct Format {
    std::uint16_t codec;
    std::uint8_t version;
  };

  Status read_tables(std::size_t packs, std::size_t formats);
  Result<ContentEntry> read_v1(BytesView row);
  Result<ContentEntry> read_v2(BytesView row) const;
  Result<std::uint32_t> pack_at(std::size_t offset, std::size_t length);
  Status take_name(std::size_t offset, std::size_t length);

  BytesView plain_;
  int version_ = 0;
  std::uint32_t overhead_ = 0;
  std::size_t header_size_ = 0;
  std::size_t key_size_ = 0;
  std::size_t entry_size_ = 0;
  std::size_t count_ = 0;
  std::uint64_t base_time_ = 0;
  std::vector<std::string> packs_;
  std::vector<Format> formats_;
  std::unordered_map<std::size_t, std::uint32_t> pack_by_name_;  // version 1: offset and length
  std::size_t end_ = 0;
};

// A small index at once: a pack's own. Immutable.
class IndexBlob {
 public:
  static Result<IndexBlob> parse(BytesView plain, std::uint32_t overhead);

  std::span<const ContentEntry> entries() const { return entries_; }

  std::span<const std::string> packs() const { return packs_; }

  std::size_t trailing() const { return trailing_; }

 private:
  std::vector<ContentEntry> entries_;
  std::vector<std::string> packs_;
  std::size_t trailing_ = 0;
};

// The bytes of an index of version 1 or 2. `entries` are sorted by ID, each ID once, all hashes of
// one length; pack names are written in the order of their first use. InvalidArgument for what does
// not fit the format.
Result<Bytes> encode_index(std::span<const ContentEntry> entries,
                           std::span<const std::string> packs,
                           int version);

// One index blob holds at most this many entries.
inline constexpr std::size_t kMaxIndexShard = 16'000'000;

// Which of `shards` blobs an entry belongs to: FNV-1a of the ID's text.
std::uint32_t index_shard(const ContentId& id, std::uint32_t shards);

}  // namespace lateen::repository::kopia
