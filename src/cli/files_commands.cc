// `lateen files`: what is in a backup's copies of volumes, file by file.
#include <algorithm>
#include <filesystem>
#include <set>

#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/repo/show.h"
#include "cli/repo/tree_walk.h"
#include "cli/restore_in_place.h"
#include "cli/session.h"
#include "model/backup.h"
#include "repository/engine/progress.h"
#include "repository/engine/restorer.h"
#include "repository/repository.h"
#include "server/local_context.h"
#include "server/volume_repositories.h"
#include "server/volume_snapshots.h"

namespace lateen::cli {
namespace {

using repository::EntryType;
using repository::StoredEntry;
using server::VolumeSnapshot;

// "shop/data-db-0:/var/log": a claim, or a volume of a pod as "shop/db-0/data", and a path in it.
struct VolumePath {
  std::string ns = {};
  std::string pod = {};  // empty: `volume` is a claim
  std::string volume = {};
  std::string path = {};
};

Result<VolumePath> parse_volume_path(const std::string& text) {
  const Cut parts = cut(text, ":");
  const std::vector<std::string_view> words = split(parts.before, '/');
  const bool complete =
      std::none_of(words.begin(), words.end(), [](std::string_view word) { return word.empty(); });
  if (!complete || words.size() < 2 || words.size() > 3) {
    return Error(Code::InvalidArgument, "\"{}\" names no volume", text)
        .with_hint("Give <namespace>/<claim>, or <namespace>/<pod>/<volume>, and :<path> behind.");
  }
  VolumePath volume{.ns = std::string(words.front()), .volume = std::string(words.back())};
  if (words.size() == 3) volume.pod = words[1];
  if (parts.found) volume.path = parts.after;
  return volume;
}

// A copy of a volume that was found, open.
struct OpenVolume {
  std::unique_ptr<volumes::VolumeRepository> repository;
  StoredEntry entry = {};  // at the path
  std::string path = {};   // "/a/b"; "" for the root
};

std::string name_of(const VolumeSnapshot& one) {
  return one.claim.empty() ? fmt::format("{}/{}/{}", one.volume_namespace, one.pod, one.volume)
                           : fmt::format("{}/{}", one.volume_namespace, one.claim);
}

Result<VolumeSnapshot> find_volume(const std::vector<VolumeSnapshot>& all,
                                   const VolumePath& wanted,
                                   const std::string& backup) {
  std::vector<std::string> names;
  for (const VolumeSnapshot& one : all) {
    const bool same = wanted.pod.empty() ? one.claim == wanted.volume
                                         : one.pod == wanted.pod && one.volume == wanted.volume;
    if (one.volume_namespace == wanted.ns && same) return one;
    names.push_back(name_of(one));
  }
  return Error(Code::NotFound, "backup {} has no files of volume {}/{}", backup, wanted.ns,
               wanted.pod.empty() ? wanted.volume : wanted.pod + "/" + wanted.volume)
      .with_hint(names.empty() ? "No volume of it was copied as files."
                               : "It has those of " + join(names, ", ") + ".");
}

// Stands for one command: what it opens lives as long as it.
class FilesCall {
 public:
  static Result<FilesCall> open(Invocation& call) {
    return_freed_memory();
    return FilesCall(TRY(open_session(call)), call);
  }

  // Which copy is meant, and in which location it is.
  Result<InPlaceRestore> choose(const VolumePath& wanted) {
    const Copies copies = TRY(read_copies());
    InPlaceRestore restore{.location = copies.location};
    restore.snapshot = TRY(find_volume(copies.all, wanted, call_->args.front()));
    return restore;
  }

  // By name, each once.
  Result<std::set<std::string>> volume_names() {
    std::set<std::string> names;
    for (const VolumeSnapshot& one : TRY(read_copies()).all)
      names.insert(name_of(one));
    return names;
  }

  Session& session() { return session_; }

  Result<OpenVolume> find() {
    const server::LocalContext local(*session_.client, session_.ns(), call_->clock, *rng_, Log());
    const VolumePath wanted = TRY(parse_volume_path(call_->args[1]));
    const InPlaceRestore chosen = TRY(choose(wanted));
    const VolumeSnapshot& volume = chosen.snapshot;
    OpenVolume opened{.repository = TRY(server::open_volume_repository(
                          local.get(),
                          {.location = chosen.location,
                           .volume_namespace = volume.volume_namespace,
                           .type = volume.type},
                          call_->stop))};
    const auto snapshot = TRY(opened.repository->find(volume.snapshot_id, call_->stop));
    opened.path = FilePath("/" + wanted.path).lexically_normal().string();
    while (opened.path.ends_with('/'))
      opened.path.pop_back();
    opened.entry =
        TRY(repo::find_entry(opened.repository->repository(), snapshot.root, opened.path));
    return opened;
  }

 private:
  struct Copies {
    std::string location = {};
    std::vector<VolumeSnapshot> all = {};
  };

  Result<Copies> read_copies() {
    const server::LocalContext local(*session_.client, session_.ns(), call_->clock, *rng_, Log());
    const auto backup = TRY(get_named<model::Backup>(session_, call_->args.front(), *call_));
    const auto store =
        TRY(server::open_store(local.get(), backup.spec.storage_location, call_->stop));
    Copies copies{.location = backup.spec.storage_location};
    copies.all = TRY(server::volume_snapshots_of(backup, *store, local.get(), call_->stop));
    return copies;
  }

  FilesCall(Session session, Invocation& call)
      : session_(std::move(session)), rng_(std::make_unique<SystemRng>()), call_(&call) {}

  Session session_;
  std::unique_ptr<SystemRng> rng_;
  Invocation* call_;
};

Status check_args(const Invocation& call) {
  if (call.args.size() == 2) return {};
  return Error(Code::InvalidArgument, "a backup and a volume must be named")
      .with_hint("`lateen files ls BACKUP` lists its volumes.");
}

Result<int> list_volumes(Invocation& call) {
  FilesCall files = TRY(FilesCall::open(call));
  const std::set<std::string> names = TRY(files.volume_names());
  for (const std::string& name : names)
    call.console.line(name);
  if (names.empty())
    call.console.err(
        fmt::format("No volume of backup {} was copied as files.\n", call.args.front()));
  return 0;
}

Result<int> list_files(Invocation& call) {
  if (call.args.size() == 1) return list_volumes(call);
  TRY(check_args(call));
  FilesCall files = TRY(FilesCall::open(call));
  const OpenVolume volume = TRY(files.find());
  const bool recursive = call.flags.is("recursive");
  const bool long_format = call.flags.is("long");
  const Zone zone = Zone::local();
  auto& repository = volume.repository->repository();
  repository::Workspace space;
  const auto visit = [&](const std::string& path,
                         const StoredEntry& stored) -> Result<repo::WalkStep> {
    if (!long_format) {
      call.console.line(to_valid_utf8(path));
    } else {
      repository::Entry entry = stored.entry;
      if (entry.type == EntryType::Symlink)
        entry.link_target = TRY(repository.trees().link_target(stored, repository.reader(), space));
      call.console.line(repo::long_line(path, entry, false, zone));
    }
    return recursive ? repo::WalkStep::Into : repo::WalkStep::Over;
  };
  if (volume.entry.entry.type != EntryType::Directory) {
    TRY(visit(volume.path, volume.entry));
    return 0;
  }
  TRY(repo::walk_tree(repository, volume.entry, volume.path, visit, {}, call.stop));
  return 0;
}

Result<int> print_file(Invocation& call) {
  TRY(check_args(call));
  FilesCall files = TRY(FilesCall::open(call));
  const OpenVolume volume = TRY(files.find());
  if (volume.entry.entry.type != EntryType::File) {
    return Error(Code::InvalidArgument, "{} is no file", volume.path.empty() ? "/" : volume.path)
        .with_hint("`lateen files ls` lists a folder, `lateen files restore` brings it back.");
  }
  FdSink sink(STDOUT_FILENO);
  auto& repository = volume.repository->repository();
  TRY(repository::dump_file(volume.entry, sink, repository.trees(), repository.reader(),
                            call.stop));
  return 0;
}

Result<int> restore_volume_in_place(Invocation& call) {
  const VolumePath wanted = TRY(parse_volume_path(call.args[1]));
  if (!wanted.path.empty() || !call.flags.text("target").empty()) {
    return Error(Code::InvalidArgument,
                 "--in-place restores a whole volume: without path, and without --target");
  }
  FilesCall files = TRY(FilesCall::open(call));
  InPlaceRestore what = TRY(files.choose(wanted));
  what.scale_down = call.flags.is("scale-down");
  what.take_snapshot = call.flags.is("snapshot");
  call.console.line(fmt::format(
      "Everything in claim {}/{} becomes as it was in backup {}; what is newer is lost.", wanted.ns,
      wanted.volume, call.args.front()));
  if (!is_confirmed(call)) return 1;
  return restore_in_place(call, files.session(), what);
}

Result<int> restore_files(Invocation& call) {
  TRY(check_args(call));
  if (call.flags.is("in-place")) return restore_volume_in_place(call);
  const std::string target = call.flags.text("target");
  if (target.empty())
    return Error(Code::InvalidArgument, "--target, the folder to restore to, is missing")
        .with_hint("Or --in-place, to restore a whole volume where it is.");
  FilesCall files = TRY(FilesCall::open(call));
  const OpenVolume volume = TRY(files.find());
  TRY(make_dirs(target));
  auto& repository = volume.repository->repository();
  repository::Progress progress;
  const auto stats = TRY(repository::restore_tree(
      volume.entry, {.target = target, .sparse = call.flags.is("sparse"), .sync = true},
      repository.trees(), repository.reader(), progress, call.stop));
  const auto problems = progress.problems.take();
  for (const repository::Problem& problem : problems)
    call.console.err(fmt::format("{}: {}\n", problem.path, problem.error.message()));
  call.console.line(fmt::format("Restored {} files, {} folders and {} others ({} bytes) to {}.",
                                stats.files, stats.dirs, stats.others, stats.bytes, target));
  return problems.empty() ? 0 : 1;
}

}  // namespace

Command files_commands() {
  const std::string usage = "BACKUP NAMESPACE/CLAIM[:PATH]";
  return {.name = "files",
          .usage = "",
          .summary = "Look into the volumes' files of a backup, and bring single ones back",
          .children =
              {{.name = "ls",
                .usage = "BACKUP [NAMESPACE/CLAIM[:PATH]]",
                .summary = "List files, or the volumes of a backup that have some",
                .flags = {{.name = "long",
                           .kind = FlagKind::Bool,
                           .usage = "Show mode, owner, size and time as well",
                           .shorthand = "l"},
                          {.name = "recursive",
                           .kind = FlagKind::Bool,
                           .usage = "Also what is in folders",
                           .shorthand = "R"}},
                .run = list_files},
               {.name = "cat",
                .usage = usage,
                .summary = "Write a file to standard output",
                .run = print_file},
               {.name = "restore",
                .usage = usage,
                .summary = "Restore a file or a folder to this machine, or a volume where it is",
                .flags = {{.name = "target",
                           .usage = "The folder to restore to; it is made if it is not there",
                           .names = "dir"},
                          {.name = "sparse",
                           .kind = FlagKind::Bool,
                           .usage = "Leave holes where there are only zeros"},
                          {.name = "in-place",
                           .kind = FlagKind::Bool,
                           .usage = "Have the node agent restore the whole volume into the claim "
                                    "that is there"},
                          {.name = "scale-down",
                           .kind = FlagKind::Bool,
                           .usage = "With --in-place: stop the Deployments and StatefulSets that "
                                    "use it, and start them again"},
                          {.name = "snapshot",
                           .kind = FlagKind::Bool,
                           .usage = "With --in-place: take a VolumeSnapshot of it first"},
                          {.name = "confirm",
                           .kind = FlagKind::Bool,
                           .usage = "With --in-place: do not ask"}},
                .run = restore_files}},
          .text =
              "The files of volumes that a backup holds in a repository: those of file-system "
              "backups, and of snapshots that were moved.\nA volume without claim is named "
              "NAMESPACE/POD/VOLUME."};
}

}  // namespace lateen::cli
