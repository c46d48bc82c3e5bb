// The index blobs of a repository: found, read, written and merged, by the rules of epochs
// (epoch.h).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/result.h"
#include "base/thread.h"
#include "objects/object_store.h"
#include "repository/engine/content_index.h"
#include "repository/kopia/epoch.h"
#include "repository/kopia/format.h"
#include "repository/kopia/unit.h"

namespace lateen::repository::kopia {

// The rows of a listing below a prefix.
Result<std::vector<BlobInfo>> list_blobs(objects::ObjectStore& store,
                                         std::string_view prefix,
                                         std::stop_token stop);

// How long a listing may be relied on: by the machine's uptime and by its clock, whichever says
// sooner that it is over. A machine that slept has only one of them stand still.
class Validity {
 public:
  Validity() = default;
  Validity(const Clock& clock, Duration length);

  bool holds(const Clock& clock) const;
  // Whether three quarters of it are left: enough to begin writing.
  bool is_fresh(const Clock& clock) const;

 private:
  TimePoint from_ = {};
  Duration length_ = Duration::zero();
  Deadline fresh_until_ = Deadline::after(Duration::zero());
  Deadline until_ = Deadline::after(Duration::zero());
};

// What a listing of all blobs of indexes gave, and when it was asked for: it needs no key.
struct IndexListing {
  std::vector<BlobInfo> blobs = {};
  std::chrono::steady_clock::time_point at = {};
};

Result<IndexListing> list_indexes(objects::ObjectStore& store, std::stop_token stop);

// Which blobs were the index at the time of a listing.
struct IndexState {
  std::vector<BlobInfo> blobs = {};
  EpochState epochs = {};  // of format versions 2 and 3
  Validity valid = {};

  std::int64_t watermark() const { return epochs.deletion_watermark; }
};

// An index blob that is named but cannot be read.
struct DamagedIndex {
  BlobInfo blob = {};
  Error error;
};

// Thread-safe.
class IndexStore {
 public:
  // All outlive it.
  IndexStore(objects::ObjectStore& store,
             const FormatParameters& format,
             const UnitCipher& cipher,
             const Clock& clock,
             Rng& rng)
      : store_(store), format_(format), cipher_(cipher), clock_(clock), rng_(rng) {}

  // One listing (two for format version 1), or none if one was made just now.
  Result<IndexState> list(std::stop_token stop, std::optional<IndexListing> made = {});

  // All of the index, merged; read again from `cache_dir` if the same blobs were merged before.
  // `damaged`, if given, takes the place of an error where a blob cannot be read.
  Result<std::unique_ptr<ContentIndex>> load(const IndexState& state,
                                             const FilePath& cache_dir,
                                             std::vector<DamagedIndex>* damaged,
                                             std::stop_token stop);

  // Makes entries findable, all at once, in the epoch that is the current one by the store. `packs`
  // names what the entries number. Conflict if the store was so slow that two epochs went by.
  Status write(std::vector<ContentEntry> entries,
               const PackTable& packs,
               std::string_view session,
               std::stop_token stop);

  // Merges blobs into one set named `prefix`…: xs and xr. Deleted entries stay.
  Status merge(std::span<const BlobInfo> blobs, std::string_view prefix, std::stop_token stop);

  // Whether a blob can be opened.
  Status probe(const BlobInfo& blob, std::stop_token stop);

  Status write_marker(std::int64_t epoch, std::stop_token stop);
  Status write_watermark(std::int64_t unix_seconds, std::stop_token stop);

  // For tests: how many entries a blob that merges others holds at most.
  void set_merge_shard(std::size_t entries) { merge_shard_ = entries; }

 private:
  struct WriteEpoch {
    std::int64_t epoch = 0;
    Validity valid = {};
  };

  Result<std::vector<BlobInfo>> list_version1(std::stop_token stop);
  Result<WriteEpoch> write_epoch(std::stop_token stop);
  Result<WriteEpoch> refresh_write_epoch(std::stop_token stop);
  Status read_blob(const BlobInfo& blob, IndexBuilder& builder, std::stop_token stop);
  Status write_once(std::span<const Bytes> shards,
                    std::string_view session,
                    bool& too_slow,
                    std::stop_token stop);
  Status remove_blobs(const std::vector<std::string>& names, std::stop_token stop);

  objects::ObjectStore& store_;
  const FormatParameters& format_;
  const UnitCipher& cipher_;
  const Clock& clock_;
  Rng& rng_;
  // A million entries are 35 MB: what a reader holds in memory at once.
  std::size_t merge_shard_ = 1'000'000;

  Mutex builder_mu_;  // taken for adding one blob's entries to a builder
  Mutex mu_;
  WriteEpoch write_epoch_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository::kopia
