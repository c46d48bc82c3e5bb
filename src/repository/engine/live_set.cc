#include "repository/engine/live_set.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "base/thread.h"
#include "repository/engine/work_queue.h"

namespace lateen::repository {

LiveSet::LiveSet(const ContentIndex& index) : index_(index), bits_(index.rows() / 64 + 1) {}

Result<bool> LiveSet::mark(const ContentId& id) {
  const auto [first, count] = index_.find_rows(id);
  if (count == 0) return Error(Code::NotFound, "content {} is in no index", id.text());
  bool is_new = false;
  for (RowNumber row = first; row < first + count; ++row) {
    const std::uint64_t bit = 1ULL << (row % 64);
    is_new |= (bits_[row / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  }
  return is_new;
}

bool LiveSet::is_live(RowNumber row) const {
  return (bits_[row / 64].load(std::memory_order_relaxed) >> (row % 64) & 1) != 0;
}

bool LiveSet::is_live(const ContentId& id) const {
  const auto [first, count] = index_.find_rows(id);
  return count > 0 && is_live(first);
}

std::uint64_t LiveSet::count() const {
  std::uint64_t count = 0;
  for (const auto& word : bits_) {
    count += static_cast<std::uint64_t>(std::popcount(word.load(std::memory_order_relaxed)));
  }
  return count;
}

namespace {

// Walks trees, each folder once. Thread-safe.
class LiveWalk {
 public:
  LiveWalk(const TreeFormat& trees, ContentReader& reader, LiveSet& live, Progress& progress)
      : trees_(trees), reader_(reader), live_(live), progress_(progress), queue_(1) {}

  Status run(std::span<const LiveRoot> roots, std::size_t threads, std::stop_token stop) {
    for (const LiveRoot& root : roots) {
      queue_.push(WorkQueue::Rank::Directory,
                  [this, &root](Worker& worker) { visit(root.name, root.root, worker); });
    }
    return queue_.run(engine_threads(threads), std::move(stop));
  }

 private:
  void visit(const std::string& path, const StoredEntry& stored, Worker& worker) {
    std::vector<ContentId> contents;
    Status listed = trees_.contents_of(stored, reader_, worker.workspace, contents);
    if (!listed) return progress_.problems.add(path, std::move(listed).error());
    for (const ContentId& id : contents) {
      auto marked = live_.mark(id);
      if (!marked) progress_.problems.add(path, std::move(marked).error());
    }
    if (stored.entry.type != EntryType::Directory) {
      ++progress_.done_files;
      return;
    }
    if (first_visit(stored.object)) descend(path, stored, worker);
  }

  // A folder that is in several snapshots is walked once. By its whole object: what is passed over
  // by mistake would be deleted.
  bool first_visit(const Bytes& object) {
    if (object.empty()) return false;
    Lock lock(mu_);
    return visited_.insert(object).second;
  }

  void descend(const std::string& path, const StoredEntry& stored, Worker& worker) {
    auto entries = trees_.read_directory(stored.object, reader_, worker.workspace);
    if (!entries) return progress_.problems.add(path, std::move(entries).error());
    ++progress_.done_dirs;
    for (StoredEntry& entry : *entries) {
      const std::string below = path + "/" + entry.entry.name;
      if (entry.entry.type != EntryType::Directory) {
        visit(below, entry, worker);
        continue;
      }
      queue_.push(WorkQueue::Rank::Directory,
                  [this, below, folder = std::move(entry)](Worker& w) { visit(below, folder, w); });
    }
  }

  const TreeFormat& trees_;
  ContentReader& reader_;
  LiveSet& live_;
  Progress& progress_;
  WorkQueue queue_;
  Mutex mu_;
  std::unordered_set<Bytes> visited_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace

Status mark_live(std::span<const LiveRoot> roots,
                 const TreeFormat& trees,
                 ContentReader& reader,
                 LiveSet& live,
                 Progress& progress,
                 std::stop_token stop,
                 std::size_t threads) {
  return LiveWalk(trees, reader, live, progress).run(roots, threads, std::move(stop));
}

std::vector<PackUse> pack_use(const LiveSet& live, bool one_copy) {
  const ContentIndex& index = live.index();
  std::vector<PackUse> use(index.packs().size());
  for (std::uint32_t i = 0; i < use.size(); ++i)
    use[i].pack = i;
  ContentId previous;
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    const bool copy = scan.number() > 0 && entry.id == previous;
    PackUse& pack = use[entry.pack];
    if (live.is_live(scan.number()) && !(one_copy && copy)) {
      ++pack.live_contents;
      pack.live_bytes += entry.packed_length;
    } else {
      ++pack.dead_contents;
      pack.dead_bytes += entry.packed_length;
    }
    previous = entry.id;
  }
  std::erase_if(use, [](const PackUse& p) { return p.live_contents + p.dead_contents == 0; });
  return use;
}

}  // namespace lateen::repository
