#include <algorithm>

#include "base/temp.h"
#include "repository/engine/content_index.h"
#include "repository/engine/index_cache.h"
#include "repository/engine/index_segment.h"

namespace lateen::repository {

namespace {

// A cache that cannot be had is no reason to stop: then rows go to the system's temp folder.
IndexBuilderOptions with_folder(IndexBuilderOptions options) {
  if (!options.cache_dir.empty() && !make_dirs(options.cache_dir, 0700)) options.cache_dir.clear();
  return options;
}

}  // namespace

struct IndexBuilder::State {
  explicit State(IndexBuilderOptions from)
      : options(with_folder(std::move(from))),
        layout(options.hash_size),
        index(std::make_unique<ContentIndex>(options.hash_size, options.cache_dir)) {}

  FilePath cache_file() const {
    return options.cache_key.empty() || options.cache_dir.empty()
               ? FilePath()
               : options.cache_dir / options.cache_key;
  }

  // What is in memory becomes a sorted run in a file.
  Status spill() {
    Buffer scratch;
    sort_rows(layout.hash_size(), rows, scratch);
    TempFile file = TRY(TempFile::create(options.cache_dir));
    TRY(file.write(rows.view()));
    runs.push_back(
        TRY(IndexSegment::mapped(layout.hash_size(), file.fd(), rows.size() / layout.size())));
    rows.clear();
    return {};
  }

  // Whether `a` wins over `b`.
  bool newer(const ContentEntry& a, const ContentEntry& b) const {
    if (a.time != b.time) return a.time > b.time;
    if (a.deleted != b.deleted) return b.deleted;
    return index->packs().name(a.pack) > index->packs().name(b.pack);
  }

  const char* winner(std::span<const char* const> same) const {
    const char* best = same.front();
    for (const char* const row : same.subspan(1)) {
      if (newer(layout.read(row), layout.read(best))) best = row;
    }
    return best;
  }

  IndexBuilderOptions options;
  const IndexRow layout;
  std::unique_ptr<ContentIndex> index;
  Buffer rows;
  std::vector<std::shared_ptr<const IndexSegment>> runs;
};

namespace {

// Merged rows: in memory as long as they are few, then in a file.
class RowOutput {
 public:
  RowOutput(const IndexRow& layout, FilePath dir, ByteCount memory)
      : layout_(layout), dir_(std::move(dir)), memory_(memory) {}

  Status add(const char* row) {
    rows_.append({row, layout_.size()});
    ++count_;
    if (rows_.size() < memory_) return {};
    if (!file_) file_.emplace(TRY(TempFile::create(dir_)));
    TRY(file_->write(rows_.view()));
    rows_.clear();
    return {};
  }

  Result<std::shared_ptr<const IndexSegment>> finish() {
    if (!file_) return IndexSegment::in_memory(layout_.hash_size(), std::move(rows_));
    TRY(file_->write(rows_.view()));
    rows_ = Buffer();
    return IndexSegment::mapped(layout_.hash_size(), file_->fd(), count_);
  }

 private:
  const IndexRow& layout_;
  const FilePath dir_;
  const ByteCount memory_;
  Buffer rows_;
  std::uint64_t count_ = 0;
  std::optional<TempFile> file_;
};

}  // namespace

IndexBuilder::IndexBuilder(IndexBuilderOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
  state_->index->duplicates_ = state_->options.duplicates;
}

IndexBuilder::~IndexBuilder() = default;

PackTable& IndexBuilder::packs() {
  return state_->index->packs();
}

std::unique_ptr<ContentIndex> IndexBuilder::open_cached() {
  const FilePath path = state_->cache_file();
  if (path.empty()) return nullptr;
  const IndexBuilderOptions& options = state_->options;
  auto index = std::make_unique<ContentIndex>(options.hash_size, options.cache_dir);
  index->duplicates_ = options.duplicates;
  auto cached = read_cached_index(path, options.hash_size, options.duplicates, index->packs());
  if (!cached) return nullptr;
  index->base_ = std::move(cached->rows);
  return index;
}

Status IndexBuilder::add(const ContentEntry& entry) {
  if (entry.id.size != state_->options.hash_size) {
    return Error(Code::Corrupt, "an index has an entry with a hash of {} bytes instead of {}",
                 entry.id.size, state_->options.hash_size);
  }
  state_->layout.write(entry, state_->rows.extend(state_->layout.size()));
  if (state_->rows.size() >= state_->options.memory) return state_->spill();
  return {};
}

Result<std::unique_ptr<ContentIndex>> IndexBuilder::build(
    const std::function<bool(const ContentEntry&)>& drop) {
  State& state = *state_;
  {
    Buffer scratch;
    sort_rows(state.layout.hash_size(), state.rows, scratch);
  }
  std::vector<RowMerge::Source> sources;
  for (const auto& run : state.runs)
    sources.push_back({.rows = run->row(0), .count = run->rows()});
  sources.push_back({.rows = state.rows.data(), .count = state.rows.size() / state.layout.size()});
  RowOutput output(state.layout, state.options.cache_dir, state.options.memory);
  RowMerge merge(state.layout.hash_size(), std::move(sources));
  std::uint64_t merged = 0;
  constexpr std::uint64_t kForgetEvery = 1U << 20U;  // contents: 40 MB of the runs
  for (auto same = merge.next(); !same.empty(); same = merge.next()) {
    const char* const only = state.winner(same);
    for (const char* const row : same) {
      const bool wanted = state.options.duplicates == DuplicateRule::KeepAll || row == only;
      if (wanted && !(drop && drop(state.layout.read(row)))) TRY(output.add(row));
    }
    if (++merged % kForgetEvery != 0) continue;
    for (const auto& run : state.runs)
      run->forget_pages();
  }
  state.runs.clear();
  state.index->base_ = TRY(output.finish());
  const FilePath cache = state.cache_file();
  if (!cache.empty()) {
    // A hint for the next process: this one has what it needs.
    (void)write_cached_index(cache, state.options.duplicates, *state.index->base_,
                             state.index->packs());
  }
  return std::move(state.index);
}

}  // namespace lateen::repository
