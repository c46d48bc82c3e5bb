#include <algorithm>

#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"
#include "cli/repo/tree_walk.h"
#include "repository/restic/content_format.h"

namespace lateen::cli::repo {
namespace {

using repository::restic::BlobType;
using repository::restic::FileType;
using repository::restic::Id;
using repository::restic::ListedFile;

std::optional<FileType> file_type_of(std::string_view word) {
  if (word == "index") return FileType::Index;
  if (word == "snapshot" || word == "snapshots") return FileType::Snapshot;
  if (word == "key" || word == "keys") return FileType::Key;
  if (word == "lock" || word == "locks") return FileType::Lock;
  if (word == "pack" || word == "packs") return FileType::Pack;
  return std::nullopt;
}

// The one whose ID begins so.
Result<Id> find_file(RepoCall& call, const OpenRepo& repo, FileType type, std::string_view name) {
  std::vector<ListedFile> files = TRY(repo.restic->list(type, call.stop()));
  std::erase_if(files, [name](const ListedFile& f) { return !f.id.hex().starts_with(name); });
  if (files.size() == 1) return files.front().id;
  return Error(Code::NotFound, "{} {} begin with \"{}\"", files.size(),
               repository::restic::folder_of(type), name);
}

Status print_document(RepoCall& call, BytesView json) {
  call.printer.result(write_json_pretty(TRY(parse_json(json))));
  return {};
}

Status print_blob(RepoCall& call, const OpenRepo& repo, BlobType type, std::string_view name) {
  const Id id = TRY(repository::restic::parse_id(name));
  TRY(need_contents(repo, call.stop()));
  repository::Workspace workspace;
  const Bytes blob = TRY(repo.repository->reader().read(repository::restic::to_content_id(type, id),
                                                        workspace, call.stop()));
  call.call.console.out(blob);
  return {};
}

// A snapshot's tree, or a folder of it: "tree latest:/etc".
Status print_tree(RepoCall& call, const OpenRepo& repo, const std::string& name) {
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotPath found = TRY(find_snapshot(list.snapshots, name, {}));
  TRY(need_contents(repo, call.stop()));
  const StoredEntry folder = TRY(find_entry(*repo.repository, found.snapshot.root, found.folder));
  if (folder.object.size() != Id::kSize) {
    return Error(Code::InvalidArgument, "{} is not a folder", found.folder);
  }
  return print_blob(call, repo, BlobType::Tree, Id::from_raw(folder.object).hex());
}

Status print_config(RepoCall& call, const OpenRepo& repo) {
  if (repo.restic != nullptr) return print_document(call, repo.restic->config_json());
  JsonObject out;
  for (const auto& [name, value] : repo.repository->parameters())
    out[name] = value;
  call.printer.result(write_json_pretty(out));
  return {};
}

Result<int> cat(RepoCall& call) {
  const std::vector<std::string>& args = call.call.args;
  const bool alone = args.size() == 1 && (args[0] == "config" || args[0] == "masterkey");
  if (args.size() != 2 && !alone) {
    return Error(Code::InvalidArgument,
                 "what to print? config, masterkey, or with an ID: blob, index, key, lock, pack, "
                 "snapshot, tree");
  }
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  if (args[0] == "config") {
    TRY(print_config(call, repo));
    return kExitOk;
  }
  TRY(only_restic(repo, "cat " + args[0]));
  if (args[0] == "masterkey") {
    TRY(print_document(call, repo.restic->master_key_json()));
  } else if (args[0] == "blob") {
    TRY(print_blob(call, repo, BlobType::Data, args[1]));
  } else if (args[0] == "tree") {
    TRY(print_tree(call, repo, args[1]));
  } else if (const auto type = file_type_of(args[0])) {
    const Id id = TRY(find_file(call, repo, *type, args[1]));
    const Bytes bytes = TRY(repo.restic->document(*type, id, call.stop()));
    if (type == FileType::Pack) {
      call.call.console.out(bytes);
    } else {
      TRY(print_document(call, bytes));
    }
  } else {
    return Error(Code::InvalidArgument, "there is no \"{}\" to print", args[0]);
  }
  return kExitOk;
}

Result<int> list(RepoCall& call) {
  const std::string& what = call.call.args.empty() ? std::string() : call.call.args.front();
  const auto type = file_type_of(what);
  if (!type && what != "blobs") {
    return Error(Code::InvalidArgument,
                 "what to list? blobs, index, keys, locks, packs, snapshots");
  }
  const OpenRepo repo =
      TRY(open_repo(call, type == FileType::Lock ? Access::NoLock : Access::Read));
  TRY(only_restic(repo, "list"));
  if (type) {
    for (const ListedFile& file : TRY(repo.restic->list(*type, call.stop())))
      call.printer.result(file.id.hex());
    return kExitOk;
  }
  TRY(need_contents(repo, call.stop()));
  TRY(repo.repository->reader().index().for_each([&](const repository::ContentEntry& entry) {
    call.printer.result(fmt::format("{} {}", to_string(repository::restic::type_of(entry.id)),
                                    repository::restic::to_id(entry.id).hex()));
    return Status();
  }));
  return kExitOk;
}

}  // namespace

Command cat_command() {
  return {
      .name = "cat",
      .usage = "config|masterkey|blob ID|index ID|key ID|lock ID|pack ID|snapshot ID|tree SNAPSHOT",
      .summary = "Print an object of the repository",
      .flags = with_repo_flags({}),
      .run = repo_handler(cat),
      .words = {"config", "masterkey", "blob", "index", "key", "lock", "pack", "snapshot", "tree"}};
}

Command list_command() {
  return {.name = "list",
          .usage = "blobs|index|keys|locks|packs|snapshots",
          .summary = "List the IDs of a kind of object (restic)",
          .flags = with_repo_flags({}),
          .run = repo_handler(list),
          .max_args = 1,
          .words = {"blobs", "index", "keys", "locks", "packs", "snapshots"}};
}

}  // namespace lateen::cli::repo
