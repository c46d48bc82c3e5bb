#include <algorithm>

#include "repository/restic/opened.h"
#include "repository/restic/pack_session.h"
#include "repository/restic/tree_repair.h"

namespace lateen::repository::restic {
namespace {

constexpr std::string_view kRepairedTag = "repaired";

}  // namespace

// Snapshots whose own files are damaged: nothing of them can be brought back.
Result<std::vector<Id>> Opened::unreadable_snapshots(std::span<const NamedSnapshot> readable,
                                                     const std::stop_token& stop) {
  std::vector<Id> unreadable;
  for (const ListedFile& file : TRY(list_files(*store_, FileType::Snapshot, stop))) {
    const bool known = std::ranges::any_of(
        readable, [&file](const NamedSnapshot& named) { return named.id == file.id; });
    if (known) continue;
    const auto again = files_.load(FileType::Snapshot, file.id, stop);
    if (!again && again.error().is(Code::Corrupt)) unreadable.push_back(file.id);
  }
  return unreadable;
}

// New snapshots first, then the old ones go (if they are to): a crash leaves both.
Result<RepairReport> Opened::repair_snapshots(bool forget_lost,
                                              Progress& /*progress*/,
                                              std::stop_token stop) {
  TRY(lock(LockMode::Exclusive, stop));
  RepairReport report;
  std::vector<Error> unreadable;
  const std::vector<NamedSnapshot> snapshots = TRY(load_snapshots(&unreadable, stop));
  for (const Error& error : unreadable)
    report.lost.push_back(error.message());
  TRY(reload_index({}, stop));
  ResticPackSession session(files_, [this] { return still_locked(); });
  ContentWriter writer(*store_, format_, session, *index_.index, writer_options({}));
  TreeRepair repair(*reader_, writer);
  std::vector<Id> replaced;
  std::vector<SnapshotFile> fresh;
  for (const NamedSnapshot& named : snapshots) {
    std::vector<std::string> lost;
    const std::string name = fmt::format("snapshot {}:", named.id.short_hex());
    const Id tree = TRY(repair.repair(named.file.tree, name, lost, stop));
    report.lost.insert(report.lost.end(), lost.begin(), lost.end());
    if (tree == named.file.tree) continue;
    SnapshotFile file = named.file;
    file.tree = tree;
    if (!file.original) file.original = named.id;
    if (std::find(file.tags.begin(), file.tags.end(), kRepairedTag) == file.tags.end()) {
      file.tags.emplace_back(kRepairedTag);
    }
    replaced.push_back(named.id);
    fresh.push_back(std::move(file));
  }
  TRY(writer.flush(stop));
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const std::string id = TRY(save_snapshot(fresh[i], stop));
    report.done.push_back(fmt::format("snapshot {} without what is lost: {}",
                                      replaced[i].short_hex(), id.substr(0, 8)));
  }
  if (forget_lost && !unreadable.empty()) {
    const std::vector<Id> broken = TRY(unreadable_snapshots(snapshots, stop));
    replaced.insert(replaced.end(), broken.begin(), broken.end());
  }
  if (forget_lost && !replaced.empty()) {
    TRY(still_locked());
    TRY(remove_files(*store_, FileType::Snapshot, replaced, stop));
    report.done.push_back(fmt::format("{} damaged snapshots were forgotten", replaced.size()));
  }
  return report;
}

}  // namespace lateen::repository::restic
