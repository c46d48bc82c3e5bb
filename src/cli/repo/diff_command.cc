#include <algorithm>
#include <unordered_map>

#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "cli/repo/show.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

using repository::ContentId;
using repository::EntryType;

struct Counts {
  std::uint64_t files = 0;
  std::uint64_t dirs = 0;
  std::uint64_t others = 0;
  std::uint64_t data_blobs = 0;
  std::uint64_t tree_blobs = 0;
  ByteCount bytes = 0;

  void add(EntryType type) {
    if (type == EntryType::File) {
      ++files;
    } else if (type == EntryType::Directory) {
      ++dirs;
    } else {
      ++others;
    }
  }

  JsonObject json() const {
    return {{"files", files},           {"dirs", dirs},
            {"others", others},         {"data_blobs", data_blobs},
            {"tree_blobs", tree_blobs}, {"bytes", bytes}};
  }
};

// Which sides need a content.
enum Side : unsigned { kBefore = 1, kAfter = 2, kBoth = 3 };

bool same_metadata(const repository::Entry& a, const repository::Entry& b) {
  return a.mode == b.mode && a.mtime == b.mtime && a.ctime == b.ctime && a.uid == b.uid &&
         a.gid == b.gid && a.inode == b.inode && a.device == b.device && a.size == b.size &&
         a.links == b.links && a.link_target == b.link_target && a.xattrs == b.xattrs;
}

// Two folders side by side, all the way down. Not thread-safe.
class Comparison {
 public:
  Comparison(RepoCall& call, repository::Repository& repo)
      : call_(call), repo_(repo), metadata_(call.flags().is("metadata")) {}

  // Without recursion: paths in a hostile repository may be deep.
  Status compare(const StoredEntry& before, const StoredEntry& after) {
    std::vector<Folders> open;
    TRY(enter("", before, after, open));
    while (!open.empty()) {
      Folders& top = open.back();
      const bool left = top.at_left < top.left.size();
      const bool right = top.at_right < top.right.size();
      if (!left && !right) {
        open.pop_back();
        continue;
      }
      const StoredEntry* const a = left ? &top.left[top.at_left] : nullptr;
      const StoredEntry* const b = right ? &top.right[top.at_right] : nullptr;
      if (b == nullptr || (a != nullptr && a->entry.name < b->entry.name)) {
        ++top.at_left;
        TRY(only_one(top.path, *a, '-'));
      } else if (a == nullptr || b->entry.name < a->entry.name) {
        ++top.at_right;
        TRY(only_one(top.path, *b, '+'));
      } else {
        ++top.at_left;
        ++top.at_right;
        const StoredEntry x = *a;  // entering moves the folders about
        const StoredEntry y = *b;
        if (TRY(both(top.path, x, y))) TRY(enter(top.path + "/" + x.entry.name, x, y, open));
      }
    }
    return {};
  }

  void finish(const Snapshot& source, const Snapshot& target) {
    for (const auto& [id, side] : contents_) {
      if (side == kBoth) continue;
      Counts& counts = side == kBefore ? removed_ : added_;
      const bool tree = repo_.reader().format().kind_of(id) == repository::PackKind::Metadata;
      ++(tree ? counts.tree_blobs : counts.data_blobs);
      const auto entry = repo_.reader().index().find(id);
      counts.bytes += entry ? entry->length : 0;
    }
    const Printer& out = call_.printer;
    if (out.json()) {
      out.document(JsonObject{{"message_type", "statistics"},
                              {"source_snapshot", source.id.substr(0, 8)},
                              {"target_snapshot", target.id.substr(0, 8)},
                              {"changed_files", changed_},
                              {"added", added_.json()},
                              {"removed", removed_.json()}});
      return;
    }
    out.result(fmt::format("\nFiles:       {:5} new, {:5} removed, {:5} changed", added_.files,
                           removed_.files, changed_));
    out.result(fmt::format("Dirs:        {:5} new, {:5} removed", added_.dirs, removed_.dirs));
    out.result(fmt::format("Others:      {:5} new, {:5} removed", added_.others, removed_.others));
    out.result(
        fmt::format("Data Blobs:  {:5} new, {:5} removed", added_.data_blobs, removed_.data_blobs));
    out.result(
        fmt::format("Tree Blobs:  {:5} new, {:5} removed", added_.tree_blobs, removed_.tree_blobs));
    out.result(fmt::format("  Added:   {}", format_bytes(added_.bytes)));
    out.result(fmt::format("  Removed: {}", format_bytes(removed_.bytes)));
  }

  Status note_contents(const StoredEntry& entry, Side side) {
    std::vector<ContentId> ids;
    TRY(repo_.trees().contents_of(entry, repo_.reader(), workspace_, ids));
    for (const ContentId& id : ids)
      contents_[id] |= side;
    return {};
  }

 private:
  // A folder as it is on both sides, and how far it has been compared.
  struct Folders {
    std::string path;
    std::vector<StoredEntry> left;
    std::vector<StoredEntry> right;
    std::size_t at_left = 0;
    std::size_t at_right = 0;
  };

  Status enter(const std::string& path,
               const StoredEntry& before,
               const StoredEntry& after,
               std::vector<Folders>& open) {
    Folders folders{.path = path, .left = {}, .right = {}};
    folders.left = TRY(read(before));
    folders.right = TRY(read(after));
    open.push_back(std::move(folders));
    return {};
  }

  Result<std::vector<StoredEntry>> read(const StoredEntry& folder) {
    if (call_.stop().stop_requested()) return Error(Code::Canceled, "comparing was stopped");
    return repo_.trees().read_directory(folder.object, repo_.reader(), workspace_);
  }

  void print(const std::string& path, EntryType type, const std::string& modifier) const {
    const std::string shown = path + (type == EntryType::Directory ? "/" : "");
    if (call_.printer.json()) {
      call_.printer.document(
          JsonObject{{"message_type", "change"}, {"path", shown}, {"modifier", modifier}});
    } else {
      call_.printer.result(fmt::format("{:<5}{}", modifier, printable(shown)));
    }
  }

  // An entry, and all below it, that is on one side only.
  Status only_one(const std::string& folder, const StoredEntry& entry, char modifier) {
    const Side side = modifier == '-' ? kBefore : kAfter;
    Counts& counts = modifier == '-' ? removed_ : added_;
    const auto visit = [&](const std::string& path, const StoredEntry& e) -> Result<WalkStep> {
      print(path, e.entry.type, std::string(1, modifier));
      counts.add(e.entry.type);
      TRY(note_contents(e, side));
      return WalkStep::Into;
    };
    const std::string path = folder + "/" + entry.entry.name;
    TRY(visit(path, entry));
    if (entry.entry.type != EntryType::Directory) return {};
    return walk_tree(repo_, entry, path, visit, {}, call_.stop());
  }

  // Whether to look into the two folders.
  Result<bool> both(const std::string& folder, const StoredEntry& a, const StoredEntry& b) {
    TRY(note_contents(a, kBefore));
    TRY(note_contents(b, kAfter));
    std::string modifier;
    if (a.entry.type != b.entry.type) modifier += 'T';
    const bool files = a.entry.type == EntryType::File && b.entry.type == EntryType::File;
    if (files && a.object != b.object) {
      modifier += 'M';
      ++changed_;
      // Other bytes, though nothing says so: the disk may have changed them.
      if (same_metadata(a.entry, b.entry)) modifier += '?';
    } else if (metadata_ && !same_metadata(a.entry, b.entry)) {
      modifier += 'U';
    }
    if (!modifier.empty()) print(folder + "/" + a.entry.name, b.entry.type, modifier);
    const bool folders =
        a.entry.type == EntryType::Directory && b.entry.type == EntryType::Directory;
    return folders && a.object != b.object;
  }

  RepoCall& call_;
  repository::Repository& repo_;
  const bool metadata_;
  repository::Workspace workspace_;
  std::unordered_map<ContentId, unsigned, repository::ContentIdHash> contents_;
  Counts added_;
  Counts removed_;
  std::uint64_t changed_ = 0;
};

Result<int> run(RepoCall& call) {
  if (call.call.args.size() != 2) {
    return Error(Code::InvalidArgument, "two snapshots must be named, not {}",
                 call.call.args.size());
  }
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotPath before = TRY(find_snapshot(list.snapshots, call.call.args[0], {}));
  const SnapshotPath after = TRY(find_snapshot(list.snapshots, call.call.args[1], {}));
  TRY(need_some_contents(call, repo));
  call.printer.note(fmt::format("comparing snapshot {} to {}:\n", before.snapshot.id.substr(0, 8),
                                after.snapshot.id.substr(0, 8)));
  const StoredEntry a = TRY(find_entry(*repo.repository, before.snapshot.root, before.folder));
  const StoredEntry b = TRY(find_entry(*repo.repository, after.snapshot.root, after.folder));
  Comparison comparison(call, *repo.repository);
  if (a.object != b.object) {
    TRY(comparison.note_contents(a, kBefore));
    TRY(comparison.note_contents(b, kAfter));
    TRY(comparison.compare(a, b));
  }
  comparison.finish(before.snapshot, after.snapshot);
  return kExitOk;
}

}  // namespace

Command diff_command() {
  return {
      .name = "diff",
      .usage = "SNAPSHOT SNAPSHOT",
      .summary = "Show what differs between two snapshots",
      .flags = with_repo_flags(
          {{.name = "metadata", .kind = FlagKind::Bool, .usage = "Also show changes of metadata"}}),
      .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
