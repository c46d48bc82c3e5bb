#include "cli/repo/tree_walk.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace lateen::cli::repo {

using repository::EntryType;

// Without recursion: paths in a hostile repository may be deep.
Status walk_tree(
    repository::Repository& repo,
    const StoredEntry& root,
    const std::string& prefix,
    const std::function<Result<WalkStep>(const std::string&, const StoredEntry&)>& visit,
    const std::function<void(const std::string&, const Error&)>& unreadable,
    const std::stop_token& stop) {
  struct Open {
    std::string path;
    std::vector<StoredEntry> entries;
    std::size_t next = 0;
  };

  repository::Workspace workspace;
  std::vector<Open> open;
  const auto enter = [&](const std::string& path, const Bytes& object) -> Status {
    auto entries = repo.trees().read_directory(object, repo.reader(), workspace);
    if (entries) {
      open.push_back({.path = path, .entries = std::move(*entries)});
      return {};
    }
    if (!unreadable || stop.stop_requested()) {
      return std::move(entries).error().wrap("{}", path.empty() ? "/" : path);
    }
    unreadable(path.empty() ? "/" : path, entries.error());
    return {};
  };
  if (root.entry.type != EntryType::Directory) {
    TRY(visit(prefix + "/" + root.entry.name, root));
    return {};
  }
  TRY(enter(prefix, root.object));
  while (!open.empty()) {
    if (stop.stop_requested()) return Error(Code::Canceled, "walking the snapshot was stopped");
    Open& folder = open.back();
    if (folder.next == folder.entries.size()) {
      open.pop_back();
      continue;
    }
    const StoredEntry entry = std::move(folder.entries[folder.next++]);
    const std::string path = folder.path + "/" + entry.entry.name;
    const WalkStep step = TRY(visit(path, entry));
    if (entry.entry.type == EntryType::Directory && step == WalkStep::Into) {
      TRY(enter(path, entry.object));
    }
  }
  return {};
}

Result<StoredEntry> find_entry(repository::Repository& repo,
                               const StoredEntry& root,
                               const std::string& path) {
  repository::Workspace workspace;
  StoredEntry current = root;
  std::string walked;
  for (const std::string_view name : split(path, '/')) {
    if (name.empty()) continue;
    if (current.entry.type != EntryType::Directory) {
      return Error(Code::NotFound, "{} is not a folder", walked.empty() ? "/" : walked);
    }
    auto entries = TRY(repo.trees().read_directory(current.object, repo.reader(), workspace));
    walked += "/" + std::string(name);
    const auto at = std::find_if(entries.begin(), entries.end(), [name](const StoredEntry& entry) {
      return entry.entry.name == name;
    });
    if (at == entries.end()) return Error(Code::NotFound, "{} is not in the snapshot", walked);
    current = std::move(*at);
  }
  return current;
}

}  // namespace lateen::cli::repo
