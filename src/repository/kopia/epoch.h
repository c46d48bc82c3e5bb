// Which index blobs of a repository count. Since format version 2 they belong to numbered epochs:
// writers add `xn` blobs to the current one, maintenance merges settled epochs into `xs` and runs
// of them into `xr`. Since nothing is locked, what counts follows from one listing alone, and only
// for a while: see EpochParameters::refresh_frequency.
//
// All of this is pure: from names, sizes and times to decisions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace lateen::repository::kopia {

// A row of a listing.
struct BlobInfo {
  std::string id = {};
  ByteCount size = 0;
  TimePoint modified = {};  // by the storage's clock

  bool operator==(const BlobInfo&) const = default;
};

struct EpochParameters {
  bool enabled = true;
  Duration refresh_frequency = std::chrono::minutes(20);
  std::int64_t full_checkpoint_frequency = 7;
  Duration cleanup_safety_margin = std::chrono::hours(4);
  Duration min_epoch_duration = std::chrono::hours(24);
  std::int64_t advance_on_count = 20;
  ByteCount advance_on_size = 10_MiB;
  std::int64_t delete_parallelism = 4;

  bool operator==(const EpochParameters&) const = default;
};

// A range checkpoint: the merged index of epochs first…last.
struct EpochRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::vector<BlobInfo> blobs = {};
};

struct EpochState {
  std::int64_t write_epoch = 0;
  // Entries deleted at or before this do not exist any more; 0 if nothing was dropped yet.
  std::int64_t deletion_watermark = 0;
  std::map<std::int64_t, std::vector<BlobInfo>> uncompacted = {};  // all xn
  std::map<std::int64_t, std::vector<BlobInfo>> single = {};       // the first whole xs set of each
  std::vector<EpochRange> ranges = {};                             // from epoch 0 on without a gap
  std::vector<BlobInfo> markers = {};
  std::vector<BlobInfo> watermarks = {};

  // Writers may still add to the last two epochs and the next.
  std::int64_t last_settled() const { return write_epoch - 2; }

  // The last epoch that the range checkpoints cover; −1 if none.
  std::int64_t last_of_ranges() const { return ranges.empty() ? -1 : ranges.back().last; }
};

// From a listing of everything that begins with "x", in byte order.
EpochState epoch_state(std::span<const BlobInfo> blobs);

// The blobs that together are the index.
std::vector<BlobInfo> active_indexes(const EpochState& state);

// The sets in a listing whose number of blobs is what their names say (…-s<set>-c<count>). A blob
// with another name is a set of its own.
std::vector<std::vector<BlobInfo>> complete_sets(std::span<const BlobInfo> blobs);

// ---- What maintenance would do next.

// Whether it is time for a new write epoch: the current one is old and full enough.
bool should_advance(const EpochState& state, const EpochParameters& parameters);

// The oldest settled epoch without a merged index, if there is one.
std::optional<std::int64_t> epoch_to_compact(const EpochState& state);

// The epochs that the next range checkpoint should cover.
struct EpochSpan {
  std::int64_t first;
  std::int64_t last;
};

std::optional<EpochSpan> range_to_compact(const EpochState& state,
                                          const EpochParameters& parameters);

// The blobs whose merged index `range` would be.
std::vector<BlobInfo> indexes_of(const EpochState& state, EpochSpan range);

// What nobody needs any more: xn blobs whose merged index is older than the safety margin, by the
// storage's own clock; markers and watermarks that later ones replaced.
std::vector<BlobInfo> superseded(const EpochState& state, const EpochParameters& parameters);

// ---- Names.
std::string uncompacted_prefix(std::int64_t epoch);     // "xn7_"
std::string single_prefix(std::int64_t epoch);          // "xs7_"
std::string range_prefix(EpochSpan range);              // "xr0_7_"
std::string marker_name(std::int64_t epoch);            // "xe7"
std::string watermark_name(std::int64_t unix_seconds);  // "xw1795341522"
inline constexpr std::string_view kMarkerBody = "epoch-marker";
inline constexpr std::string_view kWatermarkBody = "deletion-watermark";

}  // namespace lateen::repository::kopia
