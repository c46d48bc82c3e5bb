#include "repository/kopia/index_store.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "repository/kopia/index_blob.h"

namespace lateen::repository::kopia {
namespace {

// Blobs that are read at once: few, where they are large.
constexpr std::size_t kParallelReads = 8;
constexpr ByteCount kReadMemory = 96_MiB;
// An index of 16 million entries, kopia's largest, is 600 MB.
constexpr ByteCount kMaxIndexBlob = 1_GiB;
constexpr std::string_view kUpgradedMark =
    "-repository_unreadable_by_this_kopia_version_upgrade_required";

// The entries of one blob with names of their own, as encode_index wants them.
struct Shard {
  std::vector<ContentEntry> entries = {};
  std::vector<std::string> packs = {};
};

Shard with_own_names(std::span<const ContentEntry> entries, const PackTable& packs) {
  Shard shard{.entries = {entries.begin(), entries.end()}};
  std::unordered_map<std::uint32_t, std::uint32_t> numbers;
  for (ContentEntry& entry : shard.entries) {
    const auto [it, fresh] =
        numbers.try_emplace(entry.pack, static_cast<std::uint32_t>(shard.packs.size()));
    if (fresh) shard.packs.emplace_back(packs.name(entry.pack));
    entry.pack = it->second;
  }
  return shard;
}

// Sorted by ID, each ID once: the entry that kopia would take.
void sort_and_merge(std::vector<ContentEntry>& entries) {
  std::ranges::sort(entries, [](const ContentEntry& a, const ContentEntry& b) {
    if (a.id != b.id) return a.id < b.id;
    if (a.time != b.time) return a.time > b.time;
    return !a.deleted && b.deleted;
  });
  const auto [from, to] = std::ranges::unique(entries, {}, &ContentEntry::id);
  entries.erase(from, to);
}

std::string set_suffix(Rng& rng, std::size_t count) {
  return fmt::format("-s{:016x}-c{}", random_u64(rng), count);
}

}  // namespace

Result<std::vector<BlobInfo>> list_blobs(objects::ObjectStore& store,
                                         std::string_view prefix,
                                         std::stop_token stop) {
  std::vector<BlobInfo> blobs;
  TRY(objects::for_each_object(
      store, prefix,
      [&](const objects::ObjectInfo& info) -> Status {
        blobs.push_back({.id = info.key, .size = info.size, .modified = info.modified});
        return {};
      },
      stop));
  return blobs;
}

// One listing, in the order of the names: markers (xe) are seen before the blobs of epochs (xn),
// and those before what replaces them (xr, xs), which is there hours before they go.
Result<IndexListing> list_indexes(objects::ObjectStore& store, std::stop_token stop) {
  IndexListing listing{.at = monotonic_now()};
  listing.blobs = TRY(list_blobs(store, "x", std::move(stop)));
  return listing;
}

Validity::Validity(const Clock& clock, Duration length)
    : from_(clock.now()),
      length_(length),
      fresh_until_(Deadline::after(length / 4)),
      until_(Deadline::after(length)) {}

bool Validity::holds(const Clock& clock) const {
  const TimePoint now = clock.now();
  return !until_.expired() && now >= from_ - length_ && now < from_ + length_;
}

bool Validity::is_fresh(const Clock& clock) const {
  return holds(clock) && !fresh_until_.expired() && clock.now() < from_ + length_ / 4;
}

// ---- Finding.

Result<std::vector<BlobInfo>> IndexStore::list_version1(std::stop_token stop) {
  std::vector<BlobInfo> indexes = TRY(list_blobs(store_, "n", stop));
  std::erase_if(indexes, [](const BlobInfo& blob) { return blob.id.ends_with(kUpgradedMark); });
  std::set<std::string, std::less<>> present;
  for (const BlobInfo& blob : indexes)
    present.insert(blob.id);
  std::set<std::string, std::less<>> replaced;
  for (const BlobInfo& log : TRY(list_blobs(store_, "m", stop))) {
    Bytes stored = TRY(store_.get(log.id, kMaxIndexBlob, stop));
    const Bytes plain = TRY(cipher_.open_blob(log.id, std::move(stored)));
    const Json value = TRY(parse_json(plain).wrap("compaction log {}", log.id));
    const JsonArray* outputs = array_at(value, "outputMetadata");
    const bool whole = outputs == nullptr || std::ranges::all_of(*outputs, [&](const Json& output) {
                         return present.contains(string_at(output, "id"));
                       });
    const JsonArray* inputs = array_at(value, "inputMetadata");
    if (!whole || inputs == nullptr) continue;
    for (const Json& input : *inputs)
      replaced.emplace(string_at(input, "id"));
  }
  std::erase_if(indexes, [&](const BlobInfo& blob) { return replaced.contains(blob.id); });
  return indexes;
}

Result<IndexState> IndexStore::list(std::stop_token stop, std::optional<IndexListing> made) {
  IndexState state;
  if (!format_.has_epochs()) {
    state.valid = Validity(clock_, format_.epochs.refresh_frequency);
    state.blobs = TRY(list_version1(stop));
    return state;
  }
  if (!made) made = TRY(list_indexes(store_, stop));
  state.valid = Validity(clock_, format_.epochs.refresh_frequency - (monotonic_now() - made->at));
  state.epochs = epoch_state(made->blobs);
  state.blobs = active_indexes(state.epochs);
  Lock lock(mu_);
  write_epoch_ = {.epoch = state.epochs.write_epoch, .valid = state.valid};
  return state;
}

// ---- Reading.

Status IndexStore::read_blob(const BlobInfo& blob, IndexBuilder& builder, std::stop_token stop) {
  Bytes stored = TRY(store_.get(blob.id, kMaxIndexBlob, stop).wrap("reading index {}", blob.id));
  const Bytes plain = TRY(cipher_.open_blob(blob.id, std::move(stored)).wrap("reading index"));
  IndexReader reader = TRY(IndexReader::open(plain, kUnitOverhead).wrap("index {}", blob.id));
  Lock lock(builder_mu_);
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < reader.size(); ++i) {
    ContentEntry entry = TRY(reader.at(i).wrap("index {}", blob.id));
    if (entry.id.size != cipher_.hash().size()) {
      return Error(Code::Corrupt, "index {}: hashes of {} bytes, where the repository's have {}",
                   blob.id, entry.id.size, cipher_.hash().size());
    }
    while (numbers.size() < reader.packs().size()) {
      numbers.push_back(builder.packs().intern(reader.packs()[numbers.size()]));
    }
    entry.pack = numbers[entry.pack];
    TRY(builder.add(entry));
  }
  return {};
}

Result<std::unique_ptr<ContentIndex>> IndexStore::load(const IndexState& state,
                                                       const FilePath& cache_dir,
                                                       std::vector<DamagedIndex>* damaged,
                                                       std::stop_token stop) {
  if (!cache_dir.empty()) TRY(make_dirs(cache_dir, 0700));
  IndexBuilderOptions options{.hash_size = cipher_.hash().size(),
                              .duplicates = DuplicateRule::Newest,
                              .cache_dir = cache_dir,
                              .variant = fmt::format("watermark {}", state.watermark())};
  for (const BlobInfo& blob : state.blobs)
    options.sources.push_back(blob.id);
  std::ranges::sort(options.sources);
  IndexBuilder builder(std::move(options));
  if (auto cached = builder.open_cached()) return cached;
  std::vector<BlobInfo> blobs;
  std::ranges::copy_if(state.blobs, std::back_inserter(blobs), [&](const BlobInfo& blob) {
    return std::ranges::binary_search(builder.missing(), blob.id);
  });
  Mutex damaged_mu;
  ByteCount largest = 1;
  for (const BlobInfo& blob : blobs)
    largest = std::max(largest, blob.size);
  TRY(parallel_for(
      blobs.size(), std::clamp<std::size_t>(kReadMemory / largest, 1, kParallelReads),
      [&](std::size_t i, std::stop_token inner) -> Status {
        auto read = read_blob(blobs[i], builder, inner);
        if (read || damaged == nullptr || read.error().is(Code::Canceled)) return read;
        Lock lock(damaged_mu);
        builder.leave_out(blobs[i].id);
        damaged->push_back({.blob = blobs[i], .error = std::move(read.error())});
        return {};
      },
      stop));
  const auto watermark = static_cast<std::uint64_t>(std::max<std::int64_t>(state.watermark(), 0));
  return builder.build(
      [watermark](const ContentEntry& entry) { return entry.deleted && entry.time <= watermark; });
}

// ---- Writing.

Result<IndexStore::WriteEpoch> IndexStore::refresh_write_epoch(std::stop_token stop) {
  WriteEpoch found{.valid = Validity(clock_, format_.epochs.refresh_frequency)};
  found.epoch = epoch_state(TRY(list_blobs(store_, "xe", stop))).write_epoch;
  Lock lock(mu_);
  write_epoch_ = found;
  return found;
}

Result<IndexStore::WriteEpoch> IndexStore::write_epoch(std::stop_token stop) {
  {
    Lock lock(mu_);
    if (write_epoch_.valid.is_fresh(clock_)) return write_epoch_;
  }
  return refresh_write_epoch(stop);
}

Status IndexStore::remove_blobs(const std::vector<std::string>& names, std::stop_token stop) {
  for (const std::string& name : names)
    TRY(store_.remove(name, stop));
  return {};
}

// One attempt in one epoch; `too_slow` if the listing that it relies on ran out.
Status IndexStore::write_once(std::span<const Bytes> shards,
                              std::string_view session,
                              bool& too_slow,
                              std::stop_token stop) {
  const WriteEpoch epoch = TRY(write_epoch(stop));
  const std::string suffix = fmt::format("-{}-c{}", session, shards.size());
  std::vector<std::string> written;
  for (const Bytes& shard : shards) {
    if (!epoch.valid.holds(clock_)) {
      too_slow = true;
      return remove_blobs(written, stop);
    }
    const auto blob = cipher_.seal_blob(uncompacted_prefix(epoch.epoch), shard, suffix);
    TRY(store_.put(blob.name, blob.bytes, stop).wrap("writing index {}", blob.name));
    written.push_back(blob.name);
  }
  // Had two epochs begun meanwhile, maintenance might have merged this one without our blobs.
  const WriteEpoch after = TRY(refresh_write_epoch(stop));
  if (after.epoch < epoch.epoch + 2) return {};
  TRY(remove_blobs(written, stop));
  return Error(Code::Conflict, "writing the index took so long that two epochs went by")
      .with_hint("What was stored is kept for a day: run the backup again and it is used.");
}

Status IndexStore::write(std::vector<ContentEntry> entries,
                         const PackTable& packs,
                         std::string_view session,
                         std::stop_token stop) {
  if (entries.empty()) return {};
  sort_and_merge(entries);
  std::vector<Bytes> shards;
  for (std::size_t at = 0; at < entries.size(); at += merge_shard_) {
    const auto part = std::span(entries).subspan(at, std::min(merge_shard_, entries.size() - at));
    const Shard shard = with_own_names(part, packs);
    shards.push_back(TRY(encode_index(shard.entries, shard.packs, format_.index_version)));
  }
  constexpr int kAttempts = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    bool too_slow = false;
    TRY(write_once(shards, session, too_slow, stop));
    if (!too_slow) return {};
  }
  return Error(Code::Unavailable, "the store is too slow to write an index of {} contents",
               entries.size());
}

Status IndexStore::merge(std::span<const BlobInfo> blobs,
                         std::string_view prefix,
                         std::stop_token stop) {
  IndexBuilder builder({.hash_size = cipher_.hash().size()});
  for (const BlobInfo& blob : blobs)
    TRY(read_blob(blob, builder, stop));
  const std::unique_ptr<ContentIndex> merged = TRY(builder.build());
  const std::size_t rows = merged->rows();
  if (rows == 0) return {};
  const std::size_t count = (rows + merge_shard_ - 1) / merge_shard_;
  const std::string suffix = set_suffix(rng_, count);
  for (std::size_t at = 0; at < rows; at += merge_shard_) {
    std::vector<ContentEntry> entries;
    for (std::size_t row = at; row < std::min(at + merge_shard_, rows); ++row) {
      entries.push_back(merged->row(row));
    }
    const Shard shard = with_own_names(entries, merged->packs());
    const Bytes plain = TRY(encode_index(shard.entries, shard.packs, format_.index_version));
    const auto blob = cipher_.seal_blob(prefix, plain, suffix);
    TRY(store_.put(blob.name, blob.bytes, stop).wrap("writing index {}", blob.name));
  }
  return {};
}

Status IndexStore::probe(const BlobInfo& blob, std::stop_token stop) {
  Bytes stored = TRY(store_.get(blob.id, kMaxIndexBlob, stop));
  const Bytes plain = TRY(cipher_.open_blob(blob.id, std::move(stored)));
  IndexReader reader = TRY(IndexReader::open(plain, kUnitOverhead));
  for (std::size_t i = 0; i < reader.size(); ++i)
    TRY(reader.at(i));
  return {};
}

Status IndexStore::write_marker(std::int64_t epoch, std::stop_token stop) {
  return store_.put(marker_name(epoch), kMarkerBody, stop);
}

Status IndexStore::write_watermark(std::int64_t unix_seconds, std::stop_token stop) {
  return store_.put(watermark_name(unix_seconds), kWatermarkBody, stop);
}

}  // namespace lateen::repository::kopia
