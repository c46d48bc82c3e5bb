// Which contents the snapshots need: a bit for each row of the index, so ten million contents are
// 1.25 MB. Trees are walked in parallel; a directory that several snapshots share is read once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/format.h"
#include "repository/engine/progress.h"

namespace lateen::repository {

// Thread-safe.
class LiveSet {
 public:
  explicit LiveSet(const ContentIndex& index);

  // Marks all rows of the content; whether it was new. NotFound if no index names it.
  Result<bool> mark(const ContentId& id);
  bool is_live(RowNumber row) const;
  bool is_live(const ContentId& id) const;
  std::uint64_t count() const;

  const ContentIndex& index() const { return index_; }

 private:
  const ContentIndex& index_;
  std::vector<std::atomic<std::uint64_t>> bits_;
};

// A snapshot to walk: its root, and its name for problems ("snapshot 1f0a…").
struct LiveRoot {
  StoredEntry root = {};
  std::string name = {};
};

// Marks everything that the roots need. What cannot be read or is not in the index is in
// progress.problems, with the path below its snapshot: whoever deletes by the set must not if there
// are any.
Status mark_live(std::span<const LiveRoot> roots,
                 const TreeFormat& trees,
                 ContentReader& reader,
                 LiveSet& live,
                 Progress& progress,
                 std::stop_token stop,
                 std::size_t threads = 0);

// What a pack holds, live and not.
struct PackUse {
  std::uint32_t pack = 0;
  std::uint64_t live_contents = 0;
  std::uint64_t dead_contents = 0;
  ByteCount live_bytes = 0;  // as stored
  ByteCount dead_bytes = 0;
};

// For every pack that the index names; of a content with several rows, the first live row counts as
// live and the others as dead if `one_copy`.
std::vector<PackUse> pack_use(const LiveSet& live, bool one_copy);

}  // namespace lateen::repository
