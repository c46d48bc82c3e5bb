// Where contents lie: sorted rows in a file that is mapped into memory, and what this process has
// added since. Ten million contents are 400 MB of file and 15 MB of memory.
//
// The format reads its index blobs and adds every entry to an IndexBuilder, which sorts in runs
// that spill to disk, merges them by the format's rule, and gives a ContentIndex. With a cache
// folder the merged rows stay there with the names of the blobs that were read: the next process
// maps them, reads only the blobs that came since, and merges the two. The cache is only a hint: it
// is verified by a checksum when opened, and rebuilt when it is not there or wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/thread.h"
#include "repository/engine/content_id.h"
#include "repository/engine/pack_table.h"

namespace lateen::repository {

// What becomes of several entries for one content.
enum class DuplicateRule {
  // kopia: the latest time wins, then one that is not deleted, then the greater pack name.
  Newest,
  // restic: all stay; find() gives any.
  KeepAll,
};

// A row's place, for bitmaps over all rows (LiveSet).
using RowNumber = std::uint64_t;

class IndexSegment;  // sorted rows, immutable
class RowScan;

// Thread-safe.
class ContentIndex {
 public:
  ContentIndex(std::size_t hash_size, FilePath spill_dir);
  ContentIndex(const ContentIndex&) = delete;
  ContentIndex& operator=(const ContentIndex&) = delete;
  ~ContentIndex();

  PackTable& packs() { return packs_; }

  const PackTable& packs() const { return packs_; }

  std::size_t hash_size() const { return hash_size_; }

  // The content's entry, deleted ones included; what was added last wins.
  std::optional<ContentEntry> find(const ContentId& id) const;

  // Whether it is there and not marked deleted.
  bool has_live(const ContentId& id) const;

  // All entries of a content (DuplicateRule::KeepAll).
  std::vector<ContentEntry> find_all(const ContentId& id) const;

  // Adds what this process wrote; findable at once.
  void add(std::span<const ContentEntry> entries);

  // Rows of the opened repository: 0 … rows() − 1, sorted; what add() added is not among them.
  // RowScan goes through all of them.
  RowNumber rows() const;
  ContentEntry row(RowNumber number) const;
  // The first row of this content and how many there are; 0 if none.
  std::pair<RowNumber, std::size_t> find_rows(const ContentId& id) const;

  // Every entry, sorted, with what was added. The first error ends it.
  Status for_each(const std::function<Status(const ContentEntry&)>& visit) const;

 private:
  friend class IndexBuilder;
  friend class RowScan;
  struct Added;

  const std::size_t hash_size_;
  PackTable packs_;
  DuplicateRule duplicates_ = DuplicateRule::Newest;
  std::shared_ptr<const IndexSegment> base_;  // set before anyone else sees this
  std::unique_ptr<Added> added_;
};

// All rows of the opened repository in order. The memory of those behind is given back:
//
//   for (RowScan scan(index); scan.next();) use(scan.number(), scan.entry());
//
// Not thread-safe; several may go through one index at once.
class RowScan {
 public:
  // The index outlives it.
  explicit RowScan(const ContentIndex& index);

  // False behind the last row.
  bool next();

  RowNumber number() const { return next_ - 1; }

  const ContentEntry& entry() const { return entry_; }

 private:
  const IndexSegment& rows_;
  RowNumber next_ = 0;
  ContentEntry entry_;
};

struct IndexBuilderOptions {
  std::size_t hash_size = 0;
  DuplicateRule duplicates = DuplicateRule::Newest;
  FilePath cache_dir = {};  // empty: rows that do not fit in memory go to the system's temp folder
  // The names of all that is read to make the index, sorted: by them the merged rows are found
  // again in the cache. None: nothing is kept.
  std::vector<std::string> sources = {};
  std::string variant = {};   // what else the rows depend on
  bool from_nothing = false;  // what the cache has is not used, only replaced
  ByteCount memory = 32_MiB;  // of rows being sorted
};

// Not thread-safe.
class IndexBuilder {
 public:
  explicit IndexBuilder(IndexBuilderOptions options);
  IndexBuilder(const IndexBuilder&) = delete;
  IndexBuilder& operator=(const IndexBuilder&) = delete;
  ~IndexBuilder();

  // What an earlier process kept of exactly these sources: then that is all. Nothing otherwise:
  // what missing() names is to be read and added, and build() called.
  std::unique_ptr<ContentIndex> open_cached();

  // The sources that the cache does not have; before open_cached(), all of them.
  const std::vector<std::string>& missing() const;

  // Whether rows of this pack came from the cache.
  bool is_of_cache(std::uint32_t pack) const;

  // A source that could not be read: the next process tries again.
  void leave_out(std::string_view source);

  PackTable& packs();

  Status add(const ContentEntry& entry);

  // Once. `drop`, if given, is asked about each entry that won: true leaves it out (kopia's deleted
  // entries below the watermark).
  Result<std::unique_ptr<ContentIndex>> build(
      const std::function<bool(const ContentEntry&)>& drop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lateen::repository
