#include "cli/repo/growth.h"

#include <algorithm>
#include <unordered_map>

#include "base/time.h"
#include "base/zone.h"
#include "cli/repo/show.h"
#include "repository/engine/live_set.h"

namespace lateen::cli::repo {
namespace {

using repository::ContentId;
using repository::EntryType;
using repository::Snapshot;
using repository::StoredEntry;

// Goes through the snapshots in turn, into each different folder once. Not thread-safe.
class GrowthCounter {
 public:
  GrowthCounter(repository::Repository& repository, std::stop_token stop)
      : repository_(repository), seen_(repository.reader().index()), stop_(std::move(stop)) {}

  Result<SnapshotGrowth> count(const Snapshot& snapshot) {
    now_ = {.id = snapshot.id, .time = snapshot.time, .paths = snapshot.paths};
    now_.size = TRY(size_of(snapshot.root));
    return now_;
  }

 private:
  // What is new in it goes into `now_`.
  Result<ByteCount> size_of(const StoredEntry& stored) {
    if (stop_.stop_requested()) return Error(Code::Canceled, "counting was stopped");
    if (stored.entry.type != EntryType::Directory) {
      const bool is_new = TRY(add_contents(stored));
      if (stored.entry.type != EntryType::File) return ByteCount{0};
      if (is_new) now_.changed += stored.entry.size;
      return stored.entry.size;
    }
    if (const auto known = folders_.find(stored.object); known != folders_.end())
      return known->second;
    TRY(add_contents(stored));
    ByteCount size = 0;
    const auto entries =
        TRY(repository_.trees().read_directory(stored.object, repository_.reader(), workspace_));
    for (const StoredEntry& entry : entries)
      size += TRY(size_of(entry));
    folders_.emplace(stored.object, size);
    return size;
  }

  // Whether any of them is new.
  Result<bool> add_contents(const StoredEntry& stored) {
    std::vector<ContentId> ids;
    TRY(repository_.trees().contents_of(stored, repository_.reader(), workspace_, ids));
    bool is_new = false;
    for (const ContentId& id : ids) {
      if (!TRY(seen_.mark(id))) continue;
      is_new = true;
      const auto entry = seen_.index().find(id);
      now_.added += entry->length;
      now_.stored += entry->packed_length;
    }
    return is_new;
  }

  repository::Repository& repository_;
  repository::LiveSet seen_;
  const std::stop_token stop_;
  repository::Workspace workspace_;
  std::unordered_map<Bytes, ByteCount> folders_;
  SnapshotGrowth now_;
};

double ratio_of(ByteCount whole, ByteCount part) {
  return part == 0 ? 0 : static_cast<double>(whole) / static_cast<double>(part);
}

void print_growth_json(const RepositoryGrowth& growth, const Printer& out) {
  JsonArray snapshots;
  for (const SnapshotGrowth& one : growth.snapshots) {
    snapshots.emplace_back(JsonObject{{"id", one.id},
                                      {"time", format_rfc3339(one.time)},
                                      {"paths", texts_json(one.paths)},
                                      {"size", one.size},
                                      {"changed", one.changed},
                                      {"new", one.added},
                                      {"stored", one.stored}});
  }
  out.document(JsonObject{{"snapshots_count", growth.count},
                          {"logical_size", growth.logical},
                          {"unique_size", growth.unique},
                          {"stored_size", growth.stored},
                          {"dedup_ratio", ratio_of(growth.logical, growth.unique)},
                          {"compression_ratio", ratio_of(growth.unique, growth.stored)},
                          {"snapshots", std::move(snapshots)}});
}

}  // namespace

Result<RepositoryGrowth> measure_growth(repository::Repository& repository,
                                        std::span<const Snapshot> all,
                                        std::span<const Snapshot> wanted,
                                        std::stop_token stop) {
  GrowthCounter counter(repository, std::move(stop));
  RepositoryGrowth growth;
  for (const Snapshot& snapshot : all) {
    SnapshotGrowth one = TRY(counter.count(snapshot).wrap("snapshot {}", snapshot.id));
    ++growth.count;
    growth.logical += one.size;
    growth.unique += one.added;
    growth.stored += one.stored;
    const bool is_wanted = std::any_of(wanted.begin(), wanted.end(),
                                       [&one](const Snapshot& s) { return s.id == one.id; });
    if (is_wanted) growth.snapshots.push_back(std::move(one));
  }
  return growth;
}

void print_growth(const RepositoryGrowth& growth, const Printer& out) {
  if (out.json()) {
    print_growth_json(growth, out);
    return;
  }
  const Zone zone = Zone::local();
  std::vector<std::vector<std::string>> rows;
  for (const SnapshotGrowth& one : growth.snapshots) {
    rows.push_back({one.id.substr(0, 8), format_local_time(one.time, zone), format_bytes(one.size),
                    format_bytes(one.changed), format_bytes(one.added), format_bytes(one.stored),
                    one.paths.empty() ? std::string() : one.paths.front()});
  }
  out.result(restic_table({"ID", "Time", "Size", "Changed", "New", "Stored", "Path"}, rows, ""));
  out.result(fmt::format("All {} snapshots hold {}, of which {} are different and take {}.",
                         growth.count, format_bytes(growth.logical), format_bytes(growth.unique),
                         format_bytes(growth.stored)));
  out.result(fmt::format("Deduplication {:.2f}x, compression {:.2f}x, together {:.2f}x.",
                         ratio_of(growth.logical, growth.unique),
                         ratio_of(growth.unique, growth.stored),
                         ratio_of(growth.logical, growth.stored)));
}

}  // namespace lateen::cli::repo
