#include "repository/engine/delete_extra.h"

#include <algorithm>

#include "repository/tree/directory_reader.h"
#include "repository/tree/restore_target.h"

namespace lateen::repository {
namespace {

struct Folder {
  std::string path = {};  // relative, "" for the target
  Bytes object = {};
};

// What goes from one folder, and which folders to look into next.
class ExtraEntries {
 public:
  ExtraEntries(const RestoreOptions& options,
               const RestoreTarget& target,
               const std::function<void(const std::string& path)>& removed,
               Progress& progress)
      : options_(options), target_(target), removed_(removed), progress_(progress) {}

  // `expected` is sorted by name.
  Status remove(const std::string& folder, const std::vector<StoredEntry>& expected) const {
    auto fd = target_.open_directory(folder);
    if (!fd && fd.error().is(Code::NotFound)) return {};
    if (!fd) return std::move(fd).error();
    const DirectoryListing there = TRY(read_directory(fd->get(), folder, false));
    for (const Entry& entry : there.entries) {
      const bool is_expected =
          std::binary_search(expected.begin(), expected.end(), entry.name,
                             [](const auto& a, const auto& b) { return name_of(a) < name_of(b); });
      if (is_expected) continue;
      const std::string path = "/" + (folder.empty() ? "" : folder + "/") + entry.name;
      if (options_.select && !options_.select(path, StoredEntry{.entry = entry})) continue;
      Status gone = options_.dry_run ? Status() : target_.remove(fd->get(), entry.name);
      if (gone) {
        removed_(path);
      } else {
        progress_.problems.add(path, std::move(gone).error());
      }
    }
    return {};
  }

 private:
  static BytesView name_of(const StoredEntry& stored) { return stored.entry.name; }

  static BytesView name_of(const Bytes& name) { return name; }

  const RestoreOptions& options_;
  const RestoreTarget& target_;
  const std::function<void(const std::string& path)>& removed_;
  Progress& progress_;
};

}  // namespace

Status delete_extra(const StoredEntry& root,
                    const RestoreOptions& options,
                    const TreeFormat& trees,
                    ContentReader& reader,
                    const std::function<void(const std::string& path)>& removed,
                    Progress& progress,
                    std::stop_token stop) {
  if (root.entry.type != EntryType::Directory) {
    return Error(Code::InvalidArgument,
                 "a single file was restored: there is no folder to compare");
  }
  const RestoreTarget target = TRY(RestoreTarget::open(options.target));
  const ExtraEntries extra(options, target, removed, progress);
  Workspace workspace;
  std::vector<Folder> folders = {{.path = "", .object = root.object}};
  while (!folders.empty()) {
    if (stop.stop_requested()) return Error(Code::Canceled, "deleting was stopped");
    const Folder folder = std::move(folders.back());
    folders.pop_back();
    const auto entries = trees.read_directory(folder.object, reader, workspace);
    if (!entries) {
      progress.problems.add("/" + folder.path, entries.error());
      continue;
    }
    Status done = extra.remove(folder.path, *entries);
    if (!done) progress.problems.add("/" + folder.path, std::move(done).error());
    for (const StoredEntry& stored : *entries) {
      if (stored.entry.type != EntryType::Directory) continue;
      TRY(check_entry_name(stored.entry.name));
      std::string path =
          folder.path.empty() ? stored.entry.name : folder.path + "/" + stored.entry.name;
      if (options.select && !options.select("/" + path, stored)) continue;
      folders.push_back({.path = std::move(path), .object = stored.object});
    }
  }
  return {};
}

}  // namespace lateen::repository
