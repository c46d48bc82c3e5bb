// Removing what no snapshot needs. In two steps, so that a crash at any moment leaves a whole
// repository: what is needed of half-used packs is copied and indexed first; then the index lets go
// of the old packs; and only then they are removed.
#include <algorithm>
#include <set>

#include "repository/engine/content_writer.h"
#include "repository/restic/index_file.h"
#include "repository/restic/opened.h"
#include "repository/restic/pack_session.h"
#include "repository/restic/prune_plan.h"

namespace lateen::repository::restic {
namespace {

std::set<Id> ids_of(std::span<const SurveyedPack> packs) {
  std::set<Id> ids;
  for (const SurveyedPack& pack : packs)
    ids.insert(pack.id);
  return ids;
}

PruneReport to_report(std::span<const SurveyedPack> packs, const PrunePlan& plan) {
  PruneReport report{.packs_removed = plan.unindexed.size() + plan.unused.size(),
                     .packs_repacked = plan.repack.size(),
                     .packs_kept = plan.kept,
                     .bytes_unused_left = plan.unused_left};
  for (const SurveyedPack& pack : packs)
    report.bytes_before += pack.size_on_disk;
  for (const SurveyedPack& pack : plan.unindexed)
    report.bytes_removed += pack.size_on_disk;
  for (const SurveyedPack& pack : plan.unused)
    report.bytes_removed += pack.size_on_disk;
  for (const SurveyedPack& pack : plan.repack) {
    report.bytes_removed += pack.dead_bytes;
    report.bytes_repacked += pack.live_bytes;
  }
  return report;
}

// An index file without some packs; nothing if it does not name them.
struct Trimmed {
  std::vector<IndexedPack> rest = {};
  bool changed = false;
};

Result<Trimmed> trim(BytesView json, int version, const std::set<Id>& packs) {
  Trimmed trimmed;
  TRY(decode_index(json, version, [&](IndexedPack& pack) -> Status {
    if (packs.contains(pack.id)) {
      trimmed.changed = true;
    } else {
      trimmed.rest.push_back(pack);
    }
    return {};
  }));
  return trimmed;
}

}  // namespace

Status Opened::drop_from_index(const std::set<Id>& packs, std::stop_token stop) {
  std::vector<Id> obsolete;
  IndexEncoder fresh;
  const auto save = [&]() -> Status {
    TRY(still_locked());
    TRY(files_.save(FileType::Index, fresh.finish(), stop));
    return {};
  };
  for (const ListedFile& file : TRY(list_files(*store_, FileType::Index, stop))) {
    auto json = files_.load(FileType::Index, file.id, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "rewriting the index was stopped");
    auto trimmed = json ? trim(*json, files_.version(), packs) : Result<Trimmed>(json.error());
    if (!trimmed && !trimmed.error().is(Code::Corrupt)) return std::move(trimmed).error();
    if (trimmed && !trimmed->changed) continue;
    obsolete.push_back(file.id);
    if (!trimmed) continue;
    for (const IndexedPack& pack : trimmed->rest)
      fresh.add(pack.id, pack.blobs);
    if (fresh.blob_count() >= kBlobsPerIndex) TRY(save());
  }
  if (!fresh.empty()) TRY(save());
  TRY(still_locked());
  return remove_files(*store_, FileType::Index, obsolete, stop);
}

// The live blobs of the packs `from` into new packs, unless one that stays has them too.
Status Opened::copy_live(const std::set<Id>& from,
                         const std::set<Id>& leaving,
                         const LiveSet& live,
                         Progress& progress,
                         std::stop_token stop) {
  const ContentIndex& index = *index_.index;
  std::vector<bool> is_leaving(index.packs().size());
  std::vector<bool> is_source(index.packs().size());
  for (std::uint32_t number = 0; number < index.packs().size(); ++number) {
    const Id id = TRY(parse_id(index.packs().name(number)));
    is_leaving[number] = leaving.contains(id);
    is_source[number] = from.contains(id);
  }
  std::vector<ContentEntry> wanted;
  std::set<ContentId> seen;  // of those with several copies
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (!is_source[entry.pack] || !live.is_live(scan.number())) continue;
    if (index.find_rows(entry.id).second > 1) {
      const auto copies = index.find_all(entry.id);
      const bool stays = std::any_of(copies.begin(), copies.end(), [&](const ContentEntry& copy) {
        return copy.pack < is_leaving.size() && !is_leaving[copy.pack];
      });
      if (stays || !seen.insert(entry.id).second) continue;
    }
    wanted.push_back(entry);
  }
  const std::uint64_t before = progress.problems.count();
  ResticPackSession session(files_, [this] { return still_locked(); });
  ContentWriter writer(*store_, format_, session, *index_.index, writer_options({}));
  TRY(read_contents(
      std::move(wanted), *reader_,
      [&writer](const ContentEntry& entry, BytesView plain, Workspace& workspace) {
        return writer.add_again(entry, plain, workspace);
      },
      progress, stop, access_.threads));
  if (progress.problems.count() > before) {
    return Error(Code::Corrupt, "some packs could not be read: nothing was removed")
        .with_hint("`check --read-data` says which; `repair packs` saves what is left of them.");
  }
  return writer.flush(stop);
}

Result<PruneReport> Opened::prune(const PruneRequest& request,
                                  Progress& progress,
                                  std::stop_token stop) {
  TRY(lock(LockMode::Exclusive, stop));
  std::vector<NamedSnapshot> snapshots = TRY(load_snapshots(nullptr, stop));
  const std::set<std::string> without(request.without.begin(), request.without.end());
  std::erase_if(snapshots, [&](const NamedSnapshot& named) {
    return request.dry_run && without.contains(named.id.hex());
  });
  TRY(reload_index({}, stop));
  if (!index_.problems.empty()) return index_.problems.front();
  LiveSet live(*index_.index);
  const std::uint64_t before = progress.problems.count();
  TRY(mark_live(live_roots(snapshots), trees_, *reader_, live, progress, stop, access_.threads));
  if (progress.problems.count() > before) {
    return Error(Code::Corrupt, "snapshots refer to what is not there: nothing was removed")
        .with_hint("`check` says what is missing, `repair snapshots` makes snapshots without it.");
  }
  const auto listed = TRY(list_files(*store_, FileType::Pack, stop));
  const auto packs = survey_packs(*index_.index, listed, &live);
  const PrunePlan plan = TRY(plan_prune(packs, {.max_unused_percent = request.max_unused_percent,
                                                .max_unused_bytes = request.max_unused_bytes,
                                                .max_repack = request.max_repack,
                                                .choice = request.repack,
                                                .repository_version = config_.version}));
  PruneReport report = to_report(packs, plan);
  if (request.dry_run) return report;

  const auto remove = [&](const std::set<Id>& ids) -> Status {
    TRY(still_locked());
    const std::vector<Id> list(ids.begin(), ids.end());
    return remove_files(*store_, FileType::Pack, list, stop);
  };
  TRY(remove(ids_of(plan.unindexed)));
  if (!plan.changes_index()) return report;
  const std::set<Id> repack = ids_of(plan.repack);
  std::set<Id> leaving = ids_of(plan.unused);
  leaving.insert(repack.begin(), repack.end());
  leaving.merge(ids_of(plan.gone));
  if (!repack.empty()) TRY(copy_live(repack, leaving, live, progress, stop));
  TRY(drop_from_index(leaving, stop));
  for (const SurveyedPack& pack : plan.gone)
    leaving.erase(pack.id);
  TRY(remove(leaving));
  TRY(reload_index({}, stop));
  return report;
}

}  // namespace lateen::repository::restic
