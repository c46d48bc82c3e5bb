#include "repository/engine/content_index.h"

#include <array>
#include <unordered_map>

#include "base/temp.h"
#include "repository/engine/index_segment.h"

namespace lateen::repository {

namespace {

constexpr std::size_t kShards = 16;

// Rows of a shard that are kept in a table; more become a segment. 16 shards of them: about 20 MiB.
constexpr std::size_t kTableRows = 32'768;

// Rows that a scan reads ahead and then gives back: 4 MB.
constexpr RowNumber kScanWindow = 100'000;

// Segments of one size before they are merged into one of the next.
constexpr std::size_t kFanOut = 8;

std::size_t shard_of(const ContentId& id) {
  return id.hash[0] % kShards;
}

// What was added with a hash that begins alike. The newest entry of a content counts.
class AddedShard {
 public:
  AddedShard(std::size_t hash_size, const FilePath& spill_dir)
      : layout_(hash_size), spill_dir_(spill_dir) {}

  std::optional<ContentEntry> find(const ContentId& id) const {
    Lock lock(mu_);
    const auto found = table_.find(id);
    if (found != table_.end()) return layout_.read(rows_.data() + found->second);
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
      const auto [row, count] = segment->rows->find(id);
      if (count > 0) return segment->rows->entry(row + count - 1);
    }
    return std::nullopt;
  }

  void add(const ContentEntry& entry) {
    Lock lock(mu_);
    const auto [place, is_new] = table_.try_emplace(entry.id, rows_.size());
    char* const to = is_new ? rows_.extend(layout_.size()) : rows_.data() + place->second;
    layout_.write(entry, to);
    if (table_.size() >= kTableRows) spill();
  }

  // Everything as sorted sources, oldest first. The segments stay alive as long as `keep` does.
  void collect(std::vector<RowMerge::Source>& sources,
               std::vector<std::shared_ptr<const IndexSegment>>& keep) {
    Lock lock(mu_);
    if (!table_.empty()) spill();
    for (const Segment& segment : segments_) {
      keep.push_back(segment.rows);
      sources.push_back({.rows = segment.rows->row(0), .count = segment.rows->rows()});
    }
  }

 private:
  struct Segment {
    std::shared_ptr<const IndexSegment> rows;
    std::size_t tier = 0;
  };

  void spill() LATEEN_REQUIRES(mu_) {
    Buffer scratch;
    sort_rows(layout_.hash_size(), rows_, scratch);
    segments_.push_back({.rows = segment_of(std::exchange(rows_, Buffer()))});
    table_.clear();
    while (true) {
      const std::size_t tier = segments_.back().tier;
      std::size_t same = 0;
      for (const Segment& segment : segments_)
        same += segment.tier == tier ? 1U : 0U;
      if (same < kFanOut) return;
      merge_last(same, tier + 1);
    }
  }

  // Into a file without a name, if one can be had; memory does as well.
  std::shared_ptr<const IndexSegment> segment_of(Buffer rows) const {
    auto file = TempFile::create(spill_dir_);
    if (file && file->write(rows.view())) {
      auto mapped =
          IndexSegment::mapped(layout_.hash_size(), file->fd(), rows.size() / layout_.size());
      if (mapped) return std::move(*mapped);
    }
    return IndexSegment::in_memory(layout_.hash_size(), std::move(rows));
  }

  void merge_last(std::size_t count, std::size_t tier) LATEEN_REQUIRES(mu_) {
    std::vector<RowMerge::Source> sources;
    std::size_t rows = 0;
    for (std::size_t i = segments_.size() - count; i < segments_.size(); ++i) {
      sources.push_back({.rows = segments_[i].rows->row(0), .count = segments_[i].rows->rows()});
      rows += segments_[i].rows->rows();
    }
    Buffer merged;
    merged.reserve(rows * layout_.size());
    RowMerge merge(layout_.hash_size(), std::move(sources));
    for (auto same = merge.next(); !same.empty(); same = merge.next()) {
      merged.append({same.back(), layout_.size()});
    }
    auto segment = segment_of(std::move(merged));
    segments_.resize(segments_.size() - count);
    segments_.push_back({.rows = std::move(segment), .tier = tier});
  }

  const IndexRow layout_;
  const FilePath& spill_dir_;
  mutable Mutex mu_;
  std::unordered_map<ContentId, std::size_t, ContentIdHash> table_ LATEEN_GUARDED_BY(mu_);
  Buffer rows_ LATEEN_GUARDED_BY(mu_);
  std::vector<Segment> segments_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace

struct ContentIndex::Added {
  Added(std::size_t hash_size, FilePath dir) : spill_dir(std::move(dir)) {
    for (auto& shard : shards)
      shard = std::make_unique<AddedShard>(hash_size, spill_dir);
  }

  AddedShard& of(const ContentId& id) { return *shards[shard_of(id)]; }

  const FilePath spill_dir;
  std::array<std::unique_ptr<AddedShard>, kShards> shards;
};

ContentIndex::ContentIndex(std::size_t hash_size, FilePath spill_dir)
    : hash_size_(hash_size),
      base_(IndexSegment::in_memory(hash_size, Buffer())),
      added_(std::make_unique<Added>(hash_size, std::move(spill_dir))) {}

ContentIndex::~ContentIndex() = default;

std::optional<ContentEntry> ContentIndex::find(const ContentId& id) const {
  auto added = added_->of(id).find(id);
  if (added) return added;
  const auto [row, count] = base_->find(id);
  if (count == 0) return std::nullopt;
  return base_->entry(row);
}

bool ContentIndex::has_live(const ContentId& id) const {
  const auto found = find(id);
  return found && !found->deleted;
}

std::vector<ContentEntry> ContentIndex::find_all(const ContentId& id) const {
  std::vector<ContentEntry> all;
  if (const auto added = added_->of(id).find(id)) all.push_back(*added);
  const auto [row, count] = base_->find(id);
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(base_->entry(row + i));
  return all;
}

void ContentIndex::add(std::span<const ContentEntry> entries) {
  for (const ContentEntry& entry : entries)
    added_->of(entry.id).add(entry);
}

RowNumber ContentIndex::rows() const {
  return base_->rows();
}

ContentEntry ContentIndex::row(RowNumber number) const {
  return base_->entry(number);
}

std::pair<RowNumber, std::size_t> ContentIndex::find_rows(const ContentId& id) const {
  return base_->find(id);
}

RowScan::RowScan(const ContentIndex& index) : rows_(*index.base_) {}

bool RowScan::next() {
  if (next_ % kScanWindow == 0) rows_.enter_window(next_, kScanWindow);
  if (next_ == rows_.rows()) return false;
  entry_ = rows_.layout().read(rows_.row(next_++));
  return true;
}

Status ContentIndex::for_each(const std::function<Status(const ContentEntry&)>& visit) const {
  std::vector<std::shared_ptr<const IndexSegment>> keep = {base_};
  std::vector<RowMerge::Source> sources = {{.rows = base_->row(0), .count = base_->rows()}};
  for (const auto& shard : added_->shards)
    shard->collect(sources, keep);
  const IndexRow layout(hash_size_);
  RowMerge merge(hash_size_, std::move(sources));
  for (auto same = merge.next(); !same.empty(); same = merge.next()) {
    if (duplicates_ == DuplicateRule::Newest) {
      TRY(visit(layout.read(same.back())));
    } else {
      for (const char* const row : same)
        TRY(visit(layout.read(row)));
    }
  }
  return {};
}

}  // namespace lateen::repository
