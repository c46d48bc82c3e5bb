#include "repository/engine/damage.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lateen::repository {
namespace {

// Deeper than any file system lets a folder be.
constexpr int kDeepestFolder = 5000;
constexpr std::size_t kSnapshotsNamed = 20;

// The first of `contents` that is damaged.
const ContentId* find_damaged(const std::vector<ContentId>& contents, const ContentSet& damaged) {
  for (const ContentId& id : contents) {
    if (damaged.contains(id)) return &id;
  }
  return nullptr;
}

// A file below some folder, and what it has lost.
struct DamagedPath {
  std::string path;
  ContentId lost;

  auto operator<=>(const DamagedPath& other) const = default;
};

// What is damaged below each folder; a folder that several snapshots share is read once.
class DamagedTrees {
 public:
  DamagedTrees(const ContentSet& damaged,
               const TreeFormat& trees,
               ContentReader& reader,
               std::stop_token stop)
      : damaged_(damaged), trees_(trees), reader_(reader), stop_(std::move(stop)) {}

  Result<const std::vector<DamagedPath>*> below(const Bytes& tree, int depth) {
    if (stop_.stop_requested()) return Error(Code::Canceled, "naming damaged files was stopped");
    if (const auto known = known_.find(tree); known != known_.end()) return &known->second;
    std::vector<DamagedPath> found;
    auto entries = depth > kDeepestFolder
                       ? Result<std::vector<StoredEntry>>(std::vector<StoredEntry>())
                       : trees_.read_directory(tree, reader_, workspace_);
    if (entries) {
      for (const StoredEntry& stored : *entries)
        TRY(add(stored, depth, found));
    }
    return &known_.emplace(tree, std::move(found)).first->second;
  }

 private:
  Status add(const StoredEntry& stored, int depth, std::vector<DamagedPath>& found) {
    const std::string path = "/" + stored.entry.name;
    std::vector<ContentId> contents;
    TRY(trees_.contents_of(stored, reader_, workspace_, contents));
    if (const ContentId* lost = find_damaged(contents, damaged_))
      found.push_back({.path = path, .lost = *lost});
    if (stored.entry.type != EntryType::Directory) return {};
    for (const DamagedPath& one : *TRY(below(stored.object, depth + 1)))
      found.push_back({.path = path + one.path, .lost = one.lost});
    return {};
  }

  const ContentSet& damaged_;
  const TreeFormat& trees_;
  ContentReader& reader_;
  const std::stop_token stop_;
  Workspace workspace_;
  std::map<Bytes, std::vector<DamagedPath>> known_;
};

std::string others(const std::vector<std::string>& names, std::size_t count) {
  if (count < 2) return {};
  std::string text = "; the same in ";
  for (std::size_t i = 1; i < names.size(); ++i)
    text += (i > 1 ? ", " : "") + names[i];
  if (count > names.size()) text += fmt::format(" and {} more", count - names.size());
  return text;
}

}  // namespace

Status name_damaged_files(std::span<const LiveRoot> roots,
                          const ContentSet& damaged,
                          const TreeFormat& trees,
                          ContentReader& reader,
                          Progress& progress,
                          const std::stop_token& stop) {
  struct Where {
    std::vector<std::string> snapshots = {};
    std::size_t count = 0;
  };

  DamagedTrees found(damaged, trees, reader, stop);
  std::map<DamagedPath, Where> places;
  for (const LiveRoot& root : roots) {
    for (const DamagedPath& one : *TRY(found.below(root.root.object, 0))) {
      Where& where = places[one];
      if (++where.count <= kSnapshotsNamed) where.snapshots.push_back(root.name);
    }
  }
  for (const auto& [one, where] : places) {
    progress.problems.add(where.snapshots.front() + ":" + one.path,
                          Error(Code::Corrupt, "uses the damaged blob {}{}", one.lost.text(),
                                others(where.snapshots, where.count)));
  }
  return {};
}

}  // namespace lateen::repository
