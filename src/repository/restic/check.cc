// Is everything there, and what it should be?
#include <algorithm>

#include "base/hash.h"
#include "repository/engine/damage.h"
#include "repository/restic/opened.h"
#include "repository/restic/pack_survey.h"

namespace lateen::repository::restic {
namespace {

std::string pack_path(const SurveyedPack& pack) {
  return "pack " + pack.id.hex();
}

// Packs as a listing shows them against the index: missing, of another size, in no index, mixed.
std::vector<ListedPack> check_listing(const std::vector<SurveyedPack>& packs,
                                      CheckReport& report,
                                      Progress& progress) {
  std::vector<ListedPack> whole;
  std::uint64_t orphans = 0;
  std::uint64_t mixed = 0;
  for (const SurveyedPack& pack : packs) {
    if (!pack.in_index) {
      ++orphans;
      continue;
    }
    mixed += pack.is_mixed() ? 1 : 0;
    if (pack.on_disk) whole.push_back({.name = pack.id.hex(), .size = pack.size_on_disk});
    if (pack.on_disk && pack.size_on_disk != pack.size_by_index) {
      progress.problems.add(pack_path(pack),
                            Error(Code::Corrupt, "it has {} bytes, the index describes {}",
                                  pack.size_on_disk, pack.size_by_index)
                                .with_hint("`repair packs` saves what can be read of it."));
    }
  }
  if (orphans > 0) {
    report.hints.push_back(fmt::format(
        "{} packs are in no index: a backup was cut short, or prune. `prune` removes them.",
        orphans));
  }
  if (mixed > 0) {
    report.hints.push_back(
        fmt::format("{} packs hold trees and data: made long ago. `prune` sorts them.", mixed));
  }
  return whole;
}

// Damaged contents, from several threads.
class DamageList {
 public:
  void add(const ContentEntry& entry) {
    const Lock lock(mu_);
    ids_.insert(entry.id);
  }

  ContentSet take() {
    const Lock lock(mu_);
    return std::move(ids_);
  }

 private:
  Mutex mu_;
  ContentSet ids_ LATEEN_GUARDED_BY(mu_);
};

// Blobs of packs that are not there: lost, unless another pack has them too.
void add_missing(const ContentIndex& index,
                 const std::vector<SurveyedPack>& packs,
                 DamageList& damaged) {
  std::vector<bool> missing(index.packs().size());
  bool any = false;
  for (const SurveyedPack& pack : packs) {
    if (!pack.in_index || pack.on_disk) continue;
    missing[pack.number] = true;
    any = true;
  }
  if (!any) return;
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (!missing[entry.pack]) continue;
    const auto copies = index.find_all(entry.id);
    const bool elsewhere =
        std::any_of(copies.begin(), copies.end(),
                    [&missing](const ContentEntry& copy) { return !missing[copy.pack]; });
    if (!elsewhere) damaged.add(entry);
  }
}

// Keys are named by their hash, as everything is; a damaged one may still open, and be another's
// only way in.
Status check_keys(objects::ObjectStore& store, Progress& progress, const std::stop_token& stop) {
  for (const ListedFile& key : TRY(list_files(store, FileType::Key, stop))) {
    const Bytes bytes = TRY(store.get(key_of(FileType::Key, key.id), 1_MiB, stop));
    if (hash(HashAlgorithm::Sha256, bytes) != key.id.view()) {
      progress.problems.add("key " + key.id.short_hex(),
                            Error(Code::Corrupt, "is not what its name says")
                                .with_hint("Add the password anew with `key add`."));
    }
  }
  return {};
}

}  // namespace

Result<CheckReport> Opened::check(const CheckRequest& request,
                                  Progress& progress,
                                  std::stop_token stop) {
  // As restic: check says what is there now, so nobody may be removing things. A lock that is held
  // already is the caller's choice, as is none.
  if (!lock_ && !request.no_lock) TRY(lock(LockMode::Exclusive, stop));
  CheckReport report;
  std::vector<Error> unreadable;
  const std::vector<NamedSnapshot> snapshots = TRY(load_snapshots(&unreadable, stop));
  for (Error& error : unreadable)
    progress.problems.add("snapshots", std::move(error));

  TRY(check_keys(*store_, progress, stop));

  // Not the cache's: what lies in the repository is to be checked.
  TRY(reload_index({.tolerant = true}, stop));
  for (const Error& error : index_.problems)
    progress.problems.add("index", error);
  if (index_.duplicate_packs > 0) {
    report.hints.push_back(
        fmt::format("{} packs are described by more than one index file.", index_.duplicate_packs));
  }
  const auto listed = TRY(list_files(*store_, FileType::Pack, stop));
  const std::vector<SurveyedPack> packs = survey_packs(*index_.index, listed, nullptr);
  const std::vector<ListedPack> whole = check_listing(packs, report, progress);

  DamageList damaged;
  add_missing(*index_.index, packs, damaged);
  VerifyOptions verify = request.verify;
  if (verify.threads == 0) verify.threads = access_.threads;
  report.packs = TRY(verify_packs(
      verify, whole, *reader_, [&damaged](const ContentEntry& entry) { damaged.add(entry); },
      progress, stop));
  if (request.quick) return report;

  const std::vector<LiveRoot> roots = live_roots(snapshots);
  LiveSet live(*index_.index);
  TRY(mark_live(roots, trees_, *reader_, live, progress, stop, verify.threads));
  const ContentSet lost = damaged.take();
  if (!lost.empty()) TRY(name_damaged_files(roots, lost, trees_, *reader_, progress, stop));
  return report;
}

}  // namespace lateen::repository::restic
