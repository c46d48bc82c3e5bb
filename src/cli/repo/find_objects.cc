#include "cli/repo/find_objects.h"

#include <algorithm>
#include <set>

#include "base/time.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

using repository::ContentEntry;
using repository::ContentId;
using repository::EntryType;
using repository::Snapshot;

// Restic's names say nothing of what they are; kopia's begin with their kind.
std::string name_of(const OpenRepo& repo, const ContentId& id) {
  if (repo.restic == nullptr) return id.text();
  return ContentId::of(0, id.hash, id.size).text();
}

// What is looked for: IDs or the beginnings of IDs, and whether all kinds of contents are meant.
class Wanted {
 public:
  Wanted(const OpenRepo& repo, std::vector<std::string> beginnings)
      : repo_(repo), beginnings_(std::move(beginnings)) {}

  void add(const ContentId& id) { exact_.insert(id); }

  bool has(const ContentId& id) const {
    if (exact_.contains(id)) return true;
    if (beginnings_.empty()) return false;
    const std::string name = name_of(repo_, id);
    return std::ranges::any_of(
        beginnings_, [&name](const std::string& beginning) { return name.starts_with(beginning); });
  }

 private:
  const OpenRepo& repo_;
  const std::vector<std::string> beginnings_;
  std::set<ContentId> exact_;
};

// All contents of these packs, by the index.
Result<Wanted> contents_of_packs(const OpenRepo& repo, const std::vector<std::string>& packs) {
  Wanted wanted(repo, {});
  const repository::ContentIndex& index = repo.repository->reader().index();
  std::set<std::string> missing(packs.begin(), packs.end());
  TRY(index.for_each([&](const ContentEntry& entry) -> Status {
    const std::string_view name = index.packs().name(entry.pack);
    for (const std::string& pack : packs) {
      if (!name.starts_with(pack)) continue;
      wanted.add(entry.id);
      missing.erase(pack);
    }
    return {};
  }));
  if (missing.empty()) return wanted;
  return Error(Code::NotFound, "pack {} is in no index", *missing.begin());
}

struct Hit {
  std::string_view type = {};  // blob, tree
  std::string id = {};
  std::string path = {};
  std::string parent_tree = {};
};

JsonObject to_json(const Hit& hit, const Snapshot& snapshot) {
  JsonObject json = {{"object_type", hit.type}, {"id", hit.id}, {"path", hit.path}};
  if (!hit.parent_tree.empty()) json["parent_tree"] = hit.parent_tree;
  json["snapshot"] = snapshot.id;
  json["time"] = format_rfc3339_nano(snapshot.time);
  return json;
}

class Search {
 public:
  Search(RepoCall& call, const OpenRepo& repo, ObjectKind kind, const Wanted& wanted)
      : call_(call), repo_(repo), kind_(kind), wanted_(wanted) {}

  Status in(const Snapshot& snapshot) {
    snapshot_ = &snapshot;
    folders_ = {{"", tree_name(snapshot.root)}};
    TRY(look_at("/", snapshot.root));
    const auto unreadable = [&](const std::string& path, const Error& error) {
      complete_ = false;
      call_.printer.problem(
          {.path = fmt::format("snapshot {}:{}", snapshot.id.substr(0, 8), path), .error = error},
          "find");
    };
    return walk_tree(
        *repo_.repository, snapshot.root, "",
        [&](const std::string& path, const StoredEntry& stored) -> Result<WalkStep> {
          TRY(look_at(path, stored));
          return WalkStep::Into;
        },
        unreadable, call_.stop());
  }

  JsonArray& hits() { return hits_; }

  bool complete() const { return complete_; }

 private:
  // The folder's own content.
  std::string tree_name(const StoredEntry& folder) {
    std::vector<ContentId> contents;
    if (folder.entry.type != EntryType::Directory) return {};
    const Status listed = repo_.repository->trees().contents_of(folder, repo_.repository->reader(),
                                                                workspace_, contents);
    return !listed || contents.empty() ? std::string() : name_of(repo_, contents.front());
  }

  Status look_at(const std::string& path, const StoredEntry& stored) {
    const bool folder = stored.entry.type == EntryType::Directory;
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == 0 ? "" : path.substr(0, slash);
    std::vector<ContentId> contents;
    auto listed = repo_.repository->trees().contents_of(stored, repo_.repository->reader(),
                                                        workspace_, contents);
    if (!listed) {
      complete_ = false;
      call_.printer.problem({.path = path, .error = std::move(listed).error()}, "find");
    }
    if (folder && path != "/") {
      folders_[path] = contents.empty() ? std::string() : name_of(repo_, contents.front());
    }
    if ((kind_ == ObjectKind::Blob && folder) || (kind_ == ObjectKind::Tree && !folder)) return {};
    for (const ContentId& id : contents) {
      if (!wanted_.has(id)) continue;
      say({.type = folder ? "tree" : "blob",
           .id = name_of(repo_, id),
           .path = path,
           .parent_tree = folder ? std::string() : folders_[parent]});
    }
    return {};
  }

  void say(const Hit& hit) {
    if (call_.printer.json()) {
      hits_.push_back(to_json(hit, *snapshot_));
      return;
    }
    call_.printer.result(fmt::format("Found {} {}", hit.type, hit.id));
    if (hit.type == "blob") {
      call_.printer.result(fmt::format(" ... in file {}", printable(hit.path)));
      call_.printer.result(fmt::format("     (tree {})", hit.parent_tree));
    } else {
      call_.printer.result(fmt::format(" ... path {}", printable(hit.path)));
    }
    call_.printer.result(fmt::format(" ... in snapshot {} ({})", snapshot_->id.substr(0, 8),
                                     format_local_time(snapshot_->time, zone_)));
  }

  RepoCall& call_;
  const OpenRepo& repo_;
  const ObjectKind kind_;
  const Wanted& wanted_;
  const Zone zone_ = Zone::local();
  const Snapshot* snapshot_ = nullptr;
  std::map<std::string, std::string> folders_;  // the tree of each folder on the way
  repository::Workspace workspace_;
  JsonArray hits_;
  bool complete_ = true;
};

}  // namespace

Result<int> find_objects(RepoCall& call,
                         const OpenRepo& repo,
                         const std::vector<Snapshot>& snapshots,
                         ObjectKind kind,
                         const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (id.empty()) return Error(Code::InvalidArgument, "an ID is empty");
  }
  const Wanted wanted =
      kind == ObjectKind::Pack ? TRY(contents_of_packs(repo, ids)) : Wanted(repo, ids);
  Search search(call, repo, kind, wanted);
  for (const Snapshot& snapshot : snapshots)
    TRY(search.in(snapshot));
  if (call.printer.json()) call.printer.document(std::move(search.hits()));
  return search.complete() ? kExitOk : kExitIncomplete;
}

}  // namespace lateen::cli::repo
