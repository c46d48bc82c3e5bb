// Snapshots: listing, forgetting, tagging.
#include <algorithm>
#include <optional>

#include "base/thread.h"
#include "base/version.h"
#include "repository/restic/node_time.h"
#include "repository/restic/opened.h"

namespace lateen::repository::restic {
namespace {

constexpr std::size_t kLoadsAtOnce = 8;

// East of UTC, from the end of an RFC 3339 text.
Duration zone_of(std::string_view time) {
  if (time.size() < 6) return {};
  const std::string_view offset = time.substr(time.size() - 6);
  if ((offset[0] != '+' && offset[0] != '-') || offset[3] != ':') return {};
  const auto digit = [&offset](std::size_t at) { return offset[at] - '0'; };
  const Duration east =
      std::chrono::hours(digit(1) * 10 + digit(2)) + std::chrono::minutes(digit(4) * 10 + digit(5));
  return offset[0] == '-' ? -east : east;
}

SnapshotStats to_stats(const SnapshotSummary& summary) {
  return {.size = summary.total_bytes_processed,
          .files = summary.total_files_processed,
          .dirs = summary.dirs_new + summary.dirs_changed + summary.dirs_unmodified,
          .added = summary.data_added,
          .added_packed = summary.data_added_packed,
          .upload = {.files_new = summary.files_new,
                     .files_changed = summary.files_changed,
                     .files_unchanged = summary.files_unmodified,
                     .dirs_new = summary.dirs_new,
                     .dirs_changed = summary.dirs_changed,
                     .dirs_unchanged = summary.dirs_unmodified,
                     .bytes = summary.total_bytes_processed}};
}

}  // namespace

Snapshot to_snapshot(const Id& id, const SnapshotFile& file) {
  Snapshot out;
  out.id = id.hex();
  out.time = file.time;
  out.zone = zone_of(file.time_text);
  out.host = file.hostname;
  out.user = file.username;
  out.paths = file.paths;
  out.tags = file.tags;
  if (file.parent) out.parent = file.parent->hex();
  if (file.original) out.original = file.original->hex();
  out.program = file.program_version;
  out.excludes = file.excludes;
  if (file.summary) {
    out.end = file.summary->backup_end;
    out.stats = to_stats(*file.summary);
  }
  out.root.entry.type = EntryType::Directory;
  out.root.entry.mode = 0755;
  out.root.entry.mtime = file.time;
  out.root.object = file.tree.view();
  return out;
}

Result<std::vector<Opened::NamedSnapshot>> Opened::load_snapshots(std::vector<Error>* problems,
                                                                  const std::stop_token& stop) {
  const std::vector<ListedFile> listed = TRY(list_files(*store_, FileType::Snapshot, stop));
  Mutex mu;
  std::vector<NamedSnapshot> snapshots;
  const auto load = [&](std::size_t i, const std::stop_token& told) -> Status {
    const Id& id = listed[i].id;
    auto json = files_.load(FileType::Snapshot, id, told);
    if (!json && json.error().is(Code::NotFound)) return {};  // forgotten since it was listed
    auto file = json ? decode_snapshot(*json).wrap("snapshot {}", id.hex())
                     : Result<SnapshotFile>(std::move(json).error());
    const Lock lock(mu);
    if (file) {
      snapshots.push_back({.id = id, .file = std::move(*file)});
    } else if (problems == nullptr || told.stop_requested()) {
      return std::move(file).error();
    } else {
      problems->push_back(std::move(file).error());
    }
    return {};
  };
  TRY(parallel_for(listed.size(), kLoadsAtOnce, load, stop));
  std::sort(snapshots.begin(), snapshots.end(), [](const NamedSnapshot& a, const NamedSnapshot& b) {
    return std::tie(a.file.time, a.id) < std::tie(b.file.time, b.id);
  });
  return snapshots;
}

Result<std::vector<Snapshot>> Opened::snapshots(std::stop_token stop) {
  std::vector<Snapshot> out;
  for (const NamedSnapshot& named : TRY(load_snapshots(nullptr, stop)))
    out.push_back(to_snapshot(named.id, named.file));
  // A snapshot that came since the index was loaded refers to blobs that came before it.
  if (index_.index) TRY(ensure_index(stop));
  return out;
}

Result<std::vector<Snapshot>> Opened::readable_snapshots(std::vector<Error>& problems,
                                                         std::stop_token stop) {
  std::vector<Snapshot> out;
  for (const NamedSnapshot& named : TRY(load_snapshots(&problems, stop)))
    out.push_back(to_snapshot(named.id, named.file));
  if (index_.index) TRY(ensure_index(stop));
  return out;
}

Status Opened::forget(std::span<const std::string> snapshot_ids, std::stop_token stop) {
  std::vector<Id> ids;
  for (const std::string& text : snapshot_ids)
    ids.push_back(TRY(parse_id(text)));
  TRY(lock(LockMode::Exclusive, stop));
  TRY(still_locked());
  return remove_files(*store_, FileType::Snapshot, ids, stop);
}

// A listing may lag behind a prune that ended just before our lock was there: contents that were
// taken for stored are gone then, as are the index files that named them.
Status Opened::index_still_there(const std::stop_token& stop) const {
  const std::vector<Id> ids(index_.files.begin(), index_.files.end());
  const auto look = [&](std::size_t i, const std::stop_token& told) -> Status {
    const auto there = store_->head(key_of(FileType::Index, ids[i]), told);
    if (there) return {};
    if (!there.error().is(Code::NotFound)) return there.error();
    return Error(Code::Conflict, "index {} was removed by others while it was relied upon",
                 ids[i].short_hex())
        .with_hint("Run the command again. What is stored already is used again.");
  };
  return parallel_for(ids.size(), kLoadsAtOnce, look, stop);
}

Result<std::string> Opened::save_snapshot(const SnapshotFile& snapshot, std::stop_token stop) {
  const std::string json = encode(snapshot);
  TRY(decode_snapshot(json));  // what is stored can be read
  TRY(index_still_there(stop));
  TRY(still_locked());
  const Id id = TRY(files_.save(FileType::Snapshot, json, std::move(stop)));
  return id.hex();
}

Result<std::string> Opened::retag(std::string_view snapshot_id,
                                  std::vector<std::string> tags,
                                  std::stop_token stop) {
  const Id id = TRY(parse_id(snapshot_id));
  TRY(lock(LockMode::Exclusive, stop));
  SnapshotFile file = TRY(decode_snapshot(TRY(files_.load(FileType::Snapshot, id, stop))));
  file.tags = std::move(tags);
  if (!file.original) file.original = id;
  std::string fresh = TRY(save_snapshot(file, stop));
  TRY(files_.remove(FileType::Snapshot, id, stop));
  return fresh;
}

std::vector<LiveRoot> Opened::live_roots(const std::vector<NamedSnapshot>& snapshots) const {
  std::vector<LiveRoot> roots;
  for (const NamedSnapshot& named : snapshots) {
    roots.push_back({.root = to_snapshot(named.id, named.file).root,
                     .name = "snapshot " + named.id.short_hex()});
  }
  return roots;
}

}  // namespace lateen::repository::restic
