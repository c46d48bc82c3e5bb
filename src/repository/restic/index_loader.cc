#include "repository/restic/index_loader.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "base/thread.h"
#include "repository/restic/content_format.h"
#include "repository/restic/index_file.h"

namespace lateen::repository::restic {
namespace {

// Fetched and decoded at once: some 8 MiB of JSON each.
constexpr std::size_t kFilesAtOnce = 4;

// A pack as one index file has it, reduced to what tells it from another description.
std::uint64_t digest_of(const IndexedPack& pack) {
  Bytes text;
  for (const PackedBlob& blob : pack.blobs) {
    append_header_entry(text, blob);
    text += std::to_string(blob.offset);
  }
  const HashBytes hash = sha256(text);
  std::uint64_t digest = 0;
  std::memcpy(&digest, hash.data(), sizeof digest);
  return digest;
}

void sort_by_offset(IndexedPack& pack) {
  std::sort(pack.blobs.begin(), pack.blobs.end(),
            [](const PackedBlob& a, const PackedBlob& b) { return a.offset < b.offset; });
}

// Takes packs from several index files; what two files say of a pack must be the same. Thread-safe.
class Gathering {
 public:
  using Add = std::function<Status(const IndexedPack&)>;

  Gathering(LoadedIndex& loaded, const std::set<Id>& without, Add add)
      : loaded_(loaded), without_(without), add_(std::move(add)) {}

  Status take(const Id& file, std::vector<IndexedPack> packs) {
    const Lock lock(mu_);
    loaded_.files.insert(file);
    for (const IndexedPack& pack : packs) {
      if (without_.contains(pack.id)) continue;
      const auto [known, is_new] = digests_.emplace(pack.id, digest_of(pack));
      if (!is_new && known->second == digest_of(pack)) {
        ++loaded_.duplicate_packs;
        continue;
      }
      if (!is_new) {
        loaded_.problems.push_back(Error(Code::Corrupt,
                                         "pack {} is described differently by index {} and another",
                                         pack.id.short_hex(), file.short_hex())
                                       .with_hint("Run `repair index`."));
      }
      TRY(add_(pack));
    }
    return {};
  }

  void note(Error error) {
    const Lock lock(mu_);
    loaded_.problems.push_back(std::move(error));
  }

 private:
  Mutex mu_;
  LoadedIndex& loaded_ LATEEN_GUARDED_BY(mu_);
  const std::set<Id>& without_;
  const Add add_;
  std::unordered_map<Id, std::uint64_t, IdHash> digests_ LATEEN_GUARDED_BY(mu_);
};

Status read_file(const Files& files,
                 const Id& id,
                 Gathering& gathering,
                 const std::stop_token& stop) {
  auto json = files.load(FileType::Index, id, stop);
  // Rewritten and removed by somebody since it was listed: the one in its place was listed or will
  // be looked for when something is missing.
  if (!json && json.error().is(Code::NotFound)) return {};
  if (!json) return std::move(json).error();
  std::vector<IndexedPack> packs;
  TRY(decode_index(*json, files.version(), [&packs](IndexedPack& pack) {
        sort_by_offset(pack);
        packs.push_back(pack);
        return Status();
      }).wrap("index {}", id.short_hex()));
  return gathering.take(id, std::move(packs));
}

Status read_files(const Files& files,
                  const std::vector<Id>& ids,
                  Gathering& gathering,
                  bool tolerant,
                  const std::stop_token& stop) {
  const auto read = [&](std::size_t i, const std::stop_token& told) -> Status {
    Status done = read_file(files, ids[i], gathering, told);
    if (done || !tolerant || told.stop_requested()) return done;
    gathering.note(std::move(done).error());
    return {};
  };
  return parallel_for(ids.size(), kFilesAtOnce, read, stop);
}

Result<std::vector<Id>> index_ids(const Files& files, const std::stop_token& stop) {
  std::vector<Id> ids;
  for (const ListedFile& file : TRY(list_files(files.store(), FileType::Index, stop)))
    ids.push_back(file.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Without an index if a pack is described that the cache has rows of: what several files say of one
// has to be compared.
Result<LoadedIndex> build_index(const Files& files,
                                const IndexLoadOptions& options,
                                IndexBuilder& builder,
                                const std::stop_token& stop) {
  LoadedIndex loaded;
  bool overlaps = false;
  const auto add = [&](const IndexedPack& pack) -> Status {
    const std::uint32_t number = builder.packs().intern(pack.id.hex());
    overlaps = overlaps || builder.is_of_cache(number);
    for (const PackedBlob& blob : pack.blobs)
      TRY(builder.add(to_entry(blob, number)));
    return {};
  };
  std::vector<Id> ids;
  for (const std::string& source : builder.missing())
    ids.push_back(TRY(parse_id(source)));
  Gathering gathering(loaded, options.without, add);
  TRY(read_files(files, ids, gathering, options.tolerant, stop).wrap("loading the index"));
  if (overlaps) return loaded;
  // Removed since they were listed, or broken.
  for (const Id& id : ids) {
    if (!loaded.files.contains(id)) builder.leave_out(id.hex());
  }
  loaded.index = TRY(builder.build());
  return loaded;
}

}  // namespace

Result<LoadedIndex> load_index(const Files& files,
                               const IndexLoadOptions& options,
                               const std::stop_token& stop) {
  const std::vector<Id> ids = TRY(index_ids(files, stop));
  IndexBuilderOptions build{
      .hash_size = Id::kSize, .duplicates = DuplicateRule::KeepAll, .cache_dir = options.cache_dir};
  for (const Id& id : ids)
    build.sources.push_back(id.hex());
  LoadedIndex loaded;
  for (; !loaded.index; build.from_nothing = true) {
    IndexBuilder builder(build);
    if (auto cached = builder.open_cached()) {
      loaded.index = std::move(cached);
    } else {
      loaded = TRY(build_index(files, options, builder, stop));
    }
    for (const Id& id : ids) {
      if (!std::ranges::binary_search(builder.missing(), id.hex())) loaded.files.insert(id);
    }
  }
  return loaded;
}

Result<std::size_t> load_new_files(const Files& files,
                                   LoadedIndex& loaded,
                                   const std::stop_token& stop) {
  const std::vector<Id> there = TRY(index_ids(files, stop));
  // What a prune of somebody else's removed may have named packs that are gone, too.
  const bool all_there =
      std::includes(there.begin(), there.end(), loaded.files.begin(), loaded.files.end());
  if (!all_there) return Error(Code::Gone, "index files have been replaced since they were read");
  std::vector<Id> fresh;
  for (const Id& id : there) {
    if (!loaded.files.contains(id)) fresh.push_back(id);
  }
  const auto add = [&loaded](const IndexedPack& pack) -> Status {
    const std::uint32_t number = loaded.index->packs().intern(pack.id.hex());
    std::vector<ContentEntry> entries;
    for (const PackedBlob& blob : pack.blobs)
      entries.push_back(to_entry(blob, number));
    loaded.index->add(entries);
    return {};
  };
  const std::set<Id> nothing;
  Gathering gathering(loaded, nothing, add);
  TRY(read_files(files, fresh, gathering, false, stop).wrap("loading new index files"));
  return fresh.size();
}

}  // namespace lateen::repository::restic
