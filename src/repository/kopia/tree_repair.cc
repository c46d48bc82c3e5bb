#include "repository/kopia/tree_repair.h"

#include <algorithm>

namespace lateen::repository::kopia {
namespace {

// Deeper than any path that Linux takes.
constexpr int kMaxDepth = 2048;

}  // namespace

Result<std::optional<StoredEntry>> TreeRepair::repair(const StoredEntry& entry,
                                                      const std::string& path) {
  return repair_at(entry, path, 0);
}

Result<std::optional<StoredEntry>> TreeRepair::repair_at(const StoredEntry& entry,
                                                         const std::string& path,
                                                         int depth) {
  std::vector<ContentId> contents;
  const auto listed = trees_.contents_of(entry, reader_, workspace_, contents);
  if (!listed || depth > kMaxDepth || !std::ranges::all_of(contents, is_there_)) {
    lost_.push_back(path);
    return std::optional<StoredEntry>();
  }
  if (entry.entry.type != EntryType::Directory) return std::optional(entry);
  if (const auto known = repaired_.find(entry.object); known != repaired_.end()) {
    if (!known->second) return std::optional<StoredEntry>();
    StoredEntry same = entry;
    same.object = known->second->object;
    same.summary = known->second->summary;
    return std::optional(std::move(same));
  }
  auto repaired = TRY(repair_directory(entry, path, depth));
  repaired_.emplace(entry.object, repaired);
  return repaired;
}

Result<std::optional<StoredEntry>> TreeRepair::repair_directory(const StoredEntry& entry,
                                                                const std::string& path,
                                                                int depth) {
  const auto children = trees_.read_directory(entry.object, reader_, workspace_);
  if (!children) {
    lost_.push_back(path);
    return std::optional<StoredEntry>();
  }
  std::vector<StoredEntry> kept;
  bool changed = false;
  DirectorySummary summary;
  for (const StoredEntry& child : *children) {
    auto repaired = TRY(repair_at(child, path + "/" + child.entry.name, depth + 1));
    changed = changed || !repaired || repaired->object != child.object;
    if (!repaired) continue;
    add_child(summary, *repaired);
    kept.push_back(std::move(*repaired));
  }
  if (!changed) return std::optional(entry);
  ++summary.dirs;
  if (kept.empty()) summary.max_mtime = entry.entry.mtime;
  StoredEntry repaired = entry;
  repaired.object = TRY(trees_.write_directory(kept, summary, writer_, workspace_));
  repaired.summary = std::make_shared<const DirectorySummary>(std::move(summary));
  return std::optional(std::move(repaired));
}

}  // namespace lateen::repository::kopia
