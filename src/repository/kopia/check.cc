// Checking, and naming what is touched by what is damaged.
#include <algorithm>
#include <set>

#include "repository/engine/damage.h"
#include "repository/kopia/opened.h"
#include "repository/kopia/snapshot.h"

namespace lateen::repository::kopia {
namespace {

std::vector<LiveRoot> roots_of(const std::vector<Snapshot>& snapshots) {
  std::vector<LiveRoot> roots;
  for (const Snapshot& snapshot : snapshots) {
    roots.push_back({.root = snapshot.root, .name = "snapshot " + snapshot.id});
  }
  return roots;
}

// Contents of snapshots that the index names in packs that are not there.
ContentSet contents_of_packs(const ContentIndex& index, const std::set<std::uint32_t>& packs) {
  ContentSet contents;
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (!entry.deleted && packs.contains(entry.pack)) contents.insert(entry.id);
  }
  return contents;
}

}  // namespace

Result<std::vector<ListedPack>> Opened::list_packs(std::stop_token stop) {
  std::vector<ListedPack> packs;
  for (const std::string_view prefix : {"p", "q"}) {
    for (BlobInfo& blob : TRY(list_blobs(*store_, prefix, stop))) {
      packs.push_back({.name = std::move(blob.id), .size = blob.size});
    }
  }
  return packs;
}

Status Opened::name_damaged_files(const ContentSet& damaged,
                                  Progress& progress,
                                  std::stop_token stop) {
  const LoadedSnapshots loaded = TRY(load_snapshots(stop));
  const auto roots = roots_of(loaded.snapshots);
  return repository::name_damaged_files(roots, damaged, *trees_, *reader_, progress, stop);
}

// What no snapshot needs to be read, but whoever writes and maintenance do.
Status Opened::check_settings(Progress& progress, std::stop_token stop) {
  const auto look_at = [&](std::string_view blob, const auto& opens) -> Status {
    const auto stored = store_->get(blob, objects::kMaxDocument, stop);
    if (!stored && stored.error().is(Code::NotFound)) return {};
    if (!stored && !stored.error().is(Code::Corrupt)) return stored.error();
    if (stored && (stored->empty() || opens(*stored))) return {};
    progress.problems.add(
        std::string(blob),
        Error(Code::Corrupt, "is not what was written")
            .with_hint("No snapshot is touched. Move it away: without it there is none of what it "
                       "says (locks of the storage, when maintenance ran)."));
    return {};
  };
  TRY(look_at(kConfigBlob, [&](const Bytes& stored) {
    return open_blob_config(stored, blob_, format_key_).has_value();
  }));
  const Bytes key = derive_purpose_key(blob_, parameters_, format_key_, kSchedulePurpose);
  return look_at(kScheduleBlob,
                 [&](const Bytes& stored) { return open_schedule(stored, key).has_value(); });
}

Result<CheckReport> Opened::check(const CheckRequest& request,
                                  Progress& progress,
                                  std::stop_token stop) {
  TRY(load(stop));  // what is there now, not what was there when it was opened
  CheckReport report;
  for (Problem& problem : damaged_indexes())
    progress.problems.add(std::move(problem.path), std::move(problem.error));
  TRY(check_settings(progress, stop));
  // Packs after the index: one that is written meanwhile is too many, never one too few.
  const std::vector<ListedPack> packs = TRY(list_packs(stop));
  Mutex mu;
  ContentSet damaged;
  report.packs = TRY(verify_packs(
      request.verify, packs, *reader_,
      [&](const ContentEntry& entry) {
        Lock lock(mu);
        damaged.insert(entry.id);
      },
      progress, stop));
  std::set<std::string_view> listed;
  for (const ListedPack& pack : packs)
    listed.insert(pack.name);
  std::set<std::uint32_t> missing;
  std::size_t unused = packs.size();
  for (std::uint32_t number = 0; number < index_->packs().size(); ++number) {
    if (listed.contains(index_->packs().name(number))) {
      --unused;
    } else {
      missing.insert(number);
    }
  }
  if (!missing.empty()) damaged.merge(contents_of_packs(*index_, missing));
  if (unused > 0) {
    report.hints.push_back(fmt::format(
        "{} packs are in no index: of a backup that is running, or was cut short. Maintenance "
        "removes them when they are a day old.",
        unused));
  }
  LoadedSnapshots loaded = TRY(load_snapshots(stop));
  for (const Error& error : loaded.damaged)
    progress.problems.add("manifests", error);
  if (request.quick) return report;
  LiveSet live(*index_);
  TRY(mark_live(roots_of(loaded.snapshots), *trees_, *reader_, live, progress, stop,
                access_.threads));
  if (!damaged.empty()) TRY(name_damaged_files(damaged, progress, stop));
  return report;
}

}  // namespace lateen::repository::kopia
