// Repair: an index from what packs say of themselves; packs from what is still good in them;
// snapshots without what is lost.
#include <algorithm>
#include <unordered_map>

#include "repository/kopia/opened.h"
#include "repository/kopia/pack.h"
#include "repository/kopia/snapshot.h"
#include "repository/kopia/tree_repair.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kParallelPacks = 8;
constexpr std::size_t kWriteBatch = 200'000;

// What is there of the index, whether it counts or others have replaced it.
std::vector<BlobInfo> all_indexes(const EpochState& epochs) {
  std::vector<BlobInfo> blobs;
  const auto take = [&blobs](const std::vector<BlobInfo>& some) {
    blobs.insert(blobs.end(), some.begin(), some.end());
  };
  for (const auto& [_, some] : epochs.uncompacted)
    take(some);
  for (const auto& [_, some] : epochs.single)
    take(some);
  for (const EpochRange& range : epochs.ranges)
    take(range.blobs);
  return blobs;
}

}  // namespace

Result<IndexBlob> Opened::local_index(const ListedPack& pack, std::stop_token stop) {
  const ByteCount window = std::min<ByteCount>(pack.size, kPostambleWindow);
  const ByteCount from = pack.size - window;
  const Bytes end = TRY(store_->get_range(pack.name, from, window, stop));
  const auto postamble = find_postamble(end);
  if (!postamble || postamble->offset > pack.size ||
      postamble->length > pack.size - postamble->offset) {
    return Error(Code::Corrupt, "pack {} has no index of its own: it was cut off or overwritten",
                 pack.name);
  }
  Aead aead;
  if (postamble->offset >= from) {
    return open_local_index(*postamble,
                            BytesView(end).substr(postamble->offset - from, postamble->length),
                            *cipher_, aead)
        .wrap("pack {}", pack.name);
  }
  const Bytes stored =
      TRY(store_->get_range(pack.name, postamble->offset, postamble->length, stop));
  return open_local_index(*postamble, stored, *cipher_, aead).wrap("pack {}", pack.name);
}

Result<std::vector<bool>> Opened::present_packs(std::stop_token stop) {
  const std::vector<ListedPack> listed = TRY(list_packs(stop));
  std::vector<bool> present(index_->packs().size(), false);
  for (const ListedPack& pack : listed) {
    if (const auto number = index_->packs().find(pack.name)) present[*number] = true;
  }
  return present;
}

// The index without the entries that `lost` names: written anew, and then what was read of it is
// removed. Marking them deleted would do for us; but kopia's maintenance stops at contents that it
// cannot read, marked or not.
Result<std::uint64_t> Opened::drop_entries(const std::function<bool(const ContentEntry&)>& lost,
                                           std::stop_token stop) {
  std::uint64_t dropped = 0;
  for (RowScan scan(*index_); scan.next();)
    dropped += lost(scan.entry()) ? 1U : 0U;
  if (dropped == 0) return dropped;
  const std::string session = new_session_id(access_.rng, access_.clock.now());
  std::vector<ContentEntry> kept;
  const auto write_kept = [&]() -> Status {
    return indexes_.write(std::exchange(kept, {}), index_->packs(), session, stop);
  };
  for (RowScan scan(*index_); scan.next();) {
    if (lost(scan.entry())) continue;
    kept.push_back(scan.entry());
    if (kept.size() >= kWriteBatch) TRY(write_kept());
  }
  TRY(write_kept());
  // Also what others had replaced already: it would count again without those.
  for (const BlobInfo& blob : all_indexes(state_.epochs))
    TRY(store_->remove(blob.id, stop));
  TRY(load(stop));
  return dropped;
}

// Entries of packs that are gone leave the index, so that nobody builds upon them, and the next
// backup that meets these bytes stores them again.
Status Opened::drop_gone(RepairReport& report, Progress& progress, std::stop_token stop) {
  std::vector<bool> present = TRY(present_packs(stop));
  for (std::uint32_t number = 0; number < present.size(); ++number) {
    if (present[number]) continue;
    // A listing may lag: the pack itself is asked for.
    const std::string pack(index_->packs().name(number));
    const auto there = store_->head(pack, stop);
    if (!there && !there.error().is(Code::NotFound)) return there.error();
    present[number] = there.has_value();
    if (!there) report.lost.push_back(fmt::format("pack {} is gone", pack));
  }
  const auto is_gone = [&](const ContentEntry& entry) { return !present[entry.pack]; };
  ContentSet lost;
  for (RowScan scan(*index_); scan.next();) {
    if (is_gone(scan.entry()) && !scan.entry().deleted) lost.insert(scan.entry().id);
  }
  TRY(name_lost(lost, report, progress, stop));
  const std::uint64_t dropped = TRY(drop_entries(is_gone, stop));
  if (dropped > 0) {
    report.done.push_back(
        fmt::format("{} contents of packs that are gone were taken out of the index", dropped));
  }
  return {};
}

Status Opened::name_lost(const ContentSet& lost,
                         RepairReport& report,
                         Progress& progress,
                         std::stop_token stop) {
  if (lost.empty()) return {};
  Progress touched;
  TRY(name_damaged_files(lost, touched, std::move(stop)));
  for (Problem& problem : touched.problems.take()) {
    report.lost.push_back(problem.path);
    progress.problems.add(std::move(problem.path), std::move(problem.error));
  }
  return {};
}

Result<RepairReport> Opened::repair_index(Progress& progress, std::stop_token stop) {
  TRY(load(stop));
  if (!parameters_.has_epochs()) {
    return Error(Code::Unsupported, "repositories of format version {} are only read",
                 parameters_.version);
  }
  RepairReport report;
  const std::vector<ListedPack> packs = TRY(list_packs(stop));
  const std::vector<bool> present = TRY(present_packs(stop));
  PackTable names;
  Mutex mu;
  std::vector<ContentEntry> missing;
  TRY(parallel_for(
      packs.size(), kParallelPacks,
      [&](std::size_t i, std::stop_token inner) -> Status {
        auto own = local_index(packs[i], inner);
        if (!own && own.error().is(Code::Corrupt)) {
          progress.problems.add("pack " + packs[i].name, std::move(own.error()));
          return {};
        }
        if (!own) return std::move(own.error());
        for (ContentEntry entry : own->entries()) {
          if (entry.deleted || own->packs()[entry.pack] != packs[i].name) continue;
          const auto known = index_->find(entry.id);
          // An entry marked deleted is later than what it marks: it stays as it is.
          const bool gone = known && known->pack < present.size() && !present[known->pack];
          if (known && !gone) continue;
          if (gone) entry.time = std::max(entry.time, known->time + 1);
          entry.pack = names.intern(packs[i].name);
          Lock lock(mu);
          missing.push_back(entry);
        }
        return {};
      },
      stop));
  const std::string session = new_session_id(access_.rng, access_.clock.now());
  for (std::size_t at = 0; at < missing.size(); at += kWriteBatch) {
    const auto part = std::span(missing).subspan(at, std::min(kWriteBatch, missing.size() - at));
    TRY(indexes_.write({part.begin(), part.end()}, names, session, stop));
  }
  if (!missing.empty()) {
    report.done.push_back(
        fmt::format("{} contents were found in packs and are in the index again", missing.size()));
  }
  for (const DamagedIndex& one : index_damage_) {
    // It may have been the way here that was bad, and not the blob.
    if (indexes_.probe(one.blob, stop)) continue;
    TRY(store_->remove(one.blob.id, stop));
    report.done.push_back(fmt::format("the damaged index {} was removed", one.blob.id));
  }
  TRY(load(stop));
  TRY(drop_gone(report, progress, stop));
  return report;
}

Result<std::vector<ContentEntry>> Opened::salvage_pack(const std::string& pack,
                                                       ContentWriter& writer,
                                                       RepairReport& report,
                                                       std::stop_token stop) {
  const auto number = index_->packs().find(pack);
  if (!number) return Error(Code::NotFound, "pack {} is in no index", pack);
  std::vector<ContentEntry> entries;
  for (RowScan scan(*index_); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (entry.pack == *number && !entry.deleted) entries.push_back(entry);
  }
  const auto fetch = [&]() -> Result<Bytes> {
    auto got = store_->get(pack, objects::kMaxDocument, stop);
    if (!got && got.error().is(Code::NotFound)) return Bytes();
    return got;
  };
  Bytes bytes = TRY(fetch());
  Workspace workspace;
  const auto opens = [&](const ContentEntry& entry, Buffer& plain) {
    plain.clear();
    const bool inside =
        entry.offset <= bytes.size() && entry.packed_length <= bytes.size() - entry.offset;
    return inside && open_content(contents_, entry, pack,
                                  BytesView(bytes).substr(entry.offset, entry.packed_length),
                                  workspace, plain)
                         .has_value();
  };
  std::vector<ContentEntry> lost;
  Buffer plain;
  for (const ContentEntry& entry : entries) {
    bool whole = opens(entry, plain);
    if (!whole && lost.empty()) {
      // It may have been the way here that was bad, and not the pack.
      bytes = TRY(fetch());
      whole = opens(entry, plain);
    }
    if (whole) {
      TRY(writer.add_again(entry, plain.view(), workspace));
    } else {
      lost.push_back(entry);
    }
  }
  report.done.push_back(fmt::format("pack {}: {} of {} contents were saved into new packs", pack,
                                    entries.size() - lost.size(), entries.size()));
  return lost;
}

Result<RepairReport> Opened::repair_packs(std::span<const std::string> packs,
                                          Progress& progress,
                                          std::stop_token stop) {
  TRY(ensure_writable(stop));
  RepairReport report;
  ContentSet lost;
  Writing writing = begin_writing({.data_codec = find_kopia_compressor("zstd-fastest")->codec});
  for (const std::string& pack : packs) {
    for (const ContentEntry& entry : TRY(salvage_pack(pack, *writing.writer, report, stop))) {
      lost.insert(entry.id);
    }
  }
  TRY(finish_writing(writing, stop));
  TRY(load(stop));
  TRY(name_lost(lost, report, progress, stop));
  // What was saved has entries of other packs now. What was not leaves the index, so that the next
  // backup that meets these bytes stores them again; and then the packs go, or they would be found
  // again when the index is repaired.
  TRY(drop_entries(
      [&](const ContentEntry& entry) {
        return std::ranges::find(packs, index_->packs().name(entry.pack)) != packs.end();
      },
      stop));
  for (const std::string& pack : packs)
    TRY(store_->remove(pack, stop));
  return report;
}

Result<RepairReport> Opened::repair_snapshots(bool forget_lost,
                                              Progress& progress,
                                              std::stop_token stop) {
  TRY(ensure_writable(stop));
  RepairReport report;
  const LoadedSnapshots loaded = TRY(load_snapshots(stop));
  ManifestSet& all = *TRY(manifests(stop));
  const std::vector<bool> present = TRY(present_packs(stop));
  Writing writing = begin_writing({});
  TreeRepair repair(*trees_, *reader_, *writing.writer, [&](const ContentId& id) {
    const auto entry = index_->find(id);
    return entry && !entry->deleted && (entry->pack >= present.size() || present[entry->pack]);
  });
  for (const Snapshot& snapshot : loaded.snapshots) {
    if (stop.stop_requested()) return Error(Code::Canceled, "repairing snapshots was stopped");
    const auto root = TRY(repair.repair(snapshot.root, "snapshot " + snapshot.id + ":"));
    if (root && root->object == snapshot.root.object) continue;
    if (root) {
      Snapshot repaired = snapshot;
      repaired.root = *root;
      Labels labels = all.find_id(snapshot.id)->labels;
      const std::string id =
          all.add(std::move(labels), write_snapshot(repaired), access_.clock, access_.rng);
      all.remove(snapshot.id, access_.clock);
      report.done.push_back(
          fmt::format("snapshot {} is now {}, without what is lost", snapshot.id, id));
    } else if (forget_lost) {
      all.remove(snapshot.id, access_.clock);
      report.done.push_back(fmt::format("snapshot {} was lost and is forgotten", snapshot.id));
    }
  }
  for (const std::string& path : repair.lost()) {
    report.lost.push_back(path);
    progress.problems.add(path, Error(Code::Corrupt, "its contents are lost"));
  }
  TRY(finish_writing(writing, stop));
  return report;
}

}  // namespace lateen::repository::kopia
