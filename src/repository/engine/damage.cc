#include "repository/engine/damage.h"

#include <string>
#include <vector>

namespace lateen::repository {
namespace {

// A folder still to be looked into.
struct Pending {
  std::string path;
  Bytes tree;
};

// The first of `contents` that is damaged.
const ContentId* find_damaged(const std::vector<ContentId>& contents, const ContentSet& damaged) {
  for (const ContentId& id : contents) {
    if (damaged.contains(id)) return &id;
  }
  return nullptr;
}

}  // namespace

Status name_damaged_files(std::span<const LiveRoot> roots,
                          const ContentSet& damaged,
                          const TreeFormat& trees,
                          ContentReader& reader,
                          Progress& progress,
                          const std::stop_token& stop) {
  std::set<Bytes> seen;
  Workspace workspace;
  std::vector<ContentId> contents;
  for (const LiveRoot& root : roots) {
    std::vector<Pending> pending = {{.path = root.name + ":", .tree = root.root.object}};
    while (!pending.empty()) {
      if (stop.stop_requested()) return Error(Code::Canceled, "naming damaged files was stopped");
      const Pending folder = std::move(pending.back());
      pending.pop_back();
      if (!seen.insert(folder.tree).second) continue;
      auto entries = trees.read_directory(folder.tree, reader, workspace);
      if (!entries) continue;
      for (StoredEntry& stored : *entries) {
        std::string path = folder.path + "/" + stored.entry.name;
        contents.clear();
        TRY(trees.contents_of(stored, reader, workspace, contents));
        if (const ContentId* lost = find_damaged(contents, damaged)) {
          progress.problems.add(path,
                                Error(Code::Corrupt, "uses the damaged blob {}", lost->text()));
        }
        if (stored.entry.type == EntryType::Directory) {
          pending.push_back({.path = std::move(path), .tree = std::move(stored.object)});
        }
      }
    }
  }
  return {};
}

}  // namespace lateen::repository
