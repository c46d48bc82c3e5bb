// Maintenance of packs: those that nothing refers to are removed. And what a run would find.
#include <algorithm>
#include <set>

#include "repository/kopia/maintenance.h"

namespace lateen::repository::kopia {
// First what there is, then what is referred to: what comes between is referred to.
Result<Maintenance::StoredPacks> Maintenance::list_stored_packs() {
  StoredPacks stored;
  for (const std::string_view prefix : {"p", "q"}) {
    std::vector<BlobInfo> more = TRY(list_blobs(*repo_.store_, prefix, stop_));
    std::move(more.begin(), more.end(), std::back_inserter(stored.packs));
  }
  stored.markers = TRY(list_blobs(*repo_.store_, "s", stop_));
  TRY(repo_.load(stop_));
  if (!repo_.index_damage_.empty()) {
    return Error(repo_.index_damage_.front().error).wrap("no pack is removed by a damaged index");
  }
  return stored;
}

Maintenance::UnusedPacks Maintenance::find_unused_packs(const StoredPacks& stored,
                                                        const std::vector<bool>& gone) const {
  UnusedPacks found;
  // Sessions that may still be going on, by their markers; a marker that cannot be read counts as
  // one.
  std::set<std::string, std::less<>> active;
  for (const BlobInfo& marker : stored.markers) {
    const bool old = start_ - marker.modified >=
                     std::max<Duration>(margins_.session_expiry, margins_.pack_min_age);
    if (old) {
      found.expired_markers.push_back(marker);
    } else {
      active.emplace(session_of(marker.id));
    }
  }
  const ContentIndex& index = *repo_.index_;
  std::vector<bool> used(index.packs().size(), false);
  for (RowScan scan(index); scan.next();) {
    if (scan.number() >= gone.size() || !gone[scan.number()]) used[scan.entry().pack] = true;
  }
  for (const BlobInfo& blob : stored.packs) {
    const auto number = index.packs().find(blob.id);
    const bool referenced = number && used[*number];
    const bool young = start_ - blob.modified < margins_.pack_min_age || blob.modified > start_;
    if (referenced || young || active.contains(session_of(blob.id))) {
      ++found.kept;
    } else {
      found.packs.push_back(blob);
      found.bytes += blob.size;
    }
  }
  return found;
}

Status Maintenance::delete_packs() {
  const StoredPacks stored = TRY(list_stored_packs());
  const UnusedPacks unused = find_unused_packs(stored, {});
  TRY(parallel_for(
      unused.packs.size(), 8,
      [&](std::size_t i, std::stop_token inner) {
        return repo_.store_->remove(unused.packs[i].id, inner);
      },
      stop_));
  report_.space.packs_kept = unused.kept;
  report_.space.packs_removed += unused.packs.size();
  report_.space.bytes_removed += unused.bytes;
  if (!unused.packs.empty()) {
    say("{} packs that nothing refers to were removed ({} bytes)", unused.packs.size(),
        unused.bytes);
  }
  return delete_markers(unused.expired_markers);
}

Status Maintenance::delete_markers(const std::vector<BlobInfo>& markers) {
  for (const BlobInfo& marker : markers)
    TRY(repo_.store_->remove(marker.id, stop_));
  if (!markers.empty()) say("{} markers of sessions that died were removed", markers.size());
  return {};
}

// Without the grace periods a run goes all the way: what is unused is gone, and what is left of
// packs that become short is written anew. With them it takes several runs, and this is the next.
Result<PruneReport> Maintenance::estimate(std::span<const std::string> without) {
  start_ = repo_.access_.clock.now();
  const StoredPacks stored = TRY(list_stored_packs());
  Garbage garbage = TRY(find_garbage(without));
  const ContentIndex& index = *repo_.index_;
  std::vector<bool> gone;
  if (request_.no_safety) {
    gone = std::move(garbage.is_unused);
    for (RowScan scan(index); scan.next();) {
      if (scan.entry().deleted) gone[scan.number()] = true;
    }
  }
  const UnusedPacks removed = find_unused_packs(stored, gone);
  PruneReport report{.bytes_removed = removed.bytes,
                     .packs_removed = removed.packs.size(),
                     .packs_kept = removed.kept,
                     .bytes_unused_left = request_.no_safety ? 0 : garbage.unused_bytes};
  std::set<std::uint32_t> repacked;
  for (const ContentEntry& entry : contents_of_short_packs(gone)) {
    repacked.insert(entry.pack);
    report.bytes_repacked += entry.packed_length;
  }
  report.packs_repacked = repacked.size();
  for (const BlobInfo& pack : stored.packs) {
    report.bytes_before += pack.size;
    const auto number = index.packs().find(pack.id);
    if (!request_.no_safety || !number || !repacked.contains(*number)) continue;
    ++report.packs_removed;
    --report.packs_kept;
    report.bytes_removed += pack.size;
  }
  report.note = fmt::format("{} contents are unused; {} more are younger than a day and stay.",
                            garbage.unused, garbage.too_young);
  return report;
}

}  // namespace lateen::repository::kopia
