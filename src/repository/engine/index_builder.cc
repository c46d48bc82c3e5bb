#include <algorithm>

#include "base/temp.h"
#include "repository/engine/content_index.h"
#include "repository/engine/index_cache.h"
#include "repository/engine/index_segment.h"

namespace lateen::repository {

namespace {

constexpr std::string_view kCacheName = "merged-index";

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
        index(std::make_unique<ContentIndex>(options.hash_size, options.cache_dir)),
        missing(options.sources) {}

  FilePath cache_file() const {
    return options.sources.empty() || options.cache_dir.empty() ? FilePath()
                                                                : options.cache_dir / kCacheName;
  }

  IndexOrigin origin() const {
    return {.hash_size = options.hash_size,
            .rule = options.duplicates,
            .variant = options.variant,
            .sources = options.sources};
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
  std::vector<std::string> missing;
  std::size_t packs_of_cache = 0;
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
    return rows_.size() < memory_ ? Status() : write_out();
  }

  Result<std::shared_ptr<const IndexSegment>> finish() {
    if (!file_) return IndexSegment::in_memory(layout_.hash_size(), std::move(rows_));
    TRY(write_out());
    rows_ = Buffer();
    return IndexSegment::mapped(layout_.hash_size(), file_->fd(), count_, kIndexCacheHeader);
  }

  // All of them, in a file that has room for the header of a cache.
  Result<TempFile> take_file(const IndexSegment& rows) {
    if (!file_) {
      TRY(open_file());
      TRY(file_->write({rows.row(0), rows.rows() * layout_.size()}));
    }
    return std::move(*file_);
  }

 private:
  Status open_file() {
    file_.emplace(TRY(TempFile::create(dir_)));
    return file_->write(Bytes(kIndexCacheHeader, '\0'));
  }

  Status write_out() {
    if (!file_) TRY(open_file());
    TRY(file_->write(rows_.view()));
    rows_.clear();
    return {};
  }

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
  State& state = *state_;
  const FilePath path = state.cache_file();
  if (path.empty() || state.options.from_nothing) return nullptr;
  auto cached = read_cached_index(path, state.origin(), state.index->packs());
  if (!cached) return nullptr;
  state.missing.clear();
  std::ranges::set_difference(state.options.sources, cached->sources,
                              std::back_inserter(state.missing));
  if (state.missing.empty()) {
    state.index->base_ = std::move(cached->rows);
    return std::move(state.index);
  }
  state.packs_of_cache = state.index->packs().size();
  state.runs.push_back(std::move(cached->rows));
  return nullptr;
}

const std::vector<std::string>& IndexBuilder::missing() const {
  return state_->missing;
}

bool IndexBuilder::is_of_cache(std::uint32_t pack) const {
  return pack < state_->packs_of_cache;
}

void IndexBuilder::leave_out(std::string_view source) {
  std::erase(state_->options.sources, source);
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
  std::uint64_t left_out = 0;
  constexpr std::uint64_t kForgetEvery = 1U << 20U;  // contents: 40 MB of the runs
  for (auto same = merge.next(); !same.empty(); same = merge.next()) {
    const char* const only = state.winner(same);
    for (const char* const row : same) {
      const bool wanted = state.options.duplicates == DuplicateRule::KeepAll || row == only;
      if (!wanted) continue;
      if (drop && drop(state.layout.read(row))) {
        ++left_out;
      } else {
        TRY(output.add(row));
      }
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
    auto file = output.take_file(*state.index->base_);
    if (file) {
      (void)keep_index(*file, cache, state.origin(), *state.index->base_, state.index->packs(),
                       left_out);
    }
  }
  return std::move(state.index);
}

}  // namespace lateen::repository
