#include <unistd.h>

#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"
#include "cli/repo/tar_stream.h"
#include "cli/repo/tree_walk.h"
#include "cli/repo/zip_stream.h"

namespace lateen::cli::repo {
namespace {

using repository::EntryType;

Status dump_tar(RepoCall& call,
                repository::Repository& repo,
                const StoredEntry& folder,
                ByteSink& sink) {
  TarStream tar(sink);
  repository::Workspace workspace;
  const auto visit = [&](const std::string& path, const StoredEntry& stored) -> Result<WalkStep> {
    if (stored.entry.type == EntryType::Socket || stored.entry.type == EntryType::Unknown) {
      return WalkStep::Over;
    }
    repository::Entry entry = stored.entry;
    if (entry.type == EntryType::Symlink) {
      entry.link_target = TRY(repo.trees().link_target(stored, repo.reader(), workspace));
    }
    TRY(tar.add(path, entry));
    if (entry.type == EntryType::File) {
      TRY(repository::dump_file(stored, sink, repo.trees(), repo.reader(), call.stop())
              .wrap("{}", path));
      TRY(tar.pad(stored.entry.size));
    }
    return WalkStep::Into;
  };
  TRY(walk_tree(repo, folder, "", visit, {}, call.stop()));
  return tar.finish();
}

// Devices and pipes have no place in a zip file.
Status dump_zip(RepoCall& call,
                repository::Repository& repo,
                const StoredEntry& folder,
                ByteSink& sink) {
  ZipStream zip(sink);
  repository::Workspace workspace;
  const auto visit = [&](const std::string& path, const StoredEntry& stored) -> Result<WalkStep> {
    if (stored.entry.type == EntryType::File) {
      TRY(zip.add(path, stored.entry));
      TRY(repository::dump_file(stored, zip.content(), repo.trees(), repo.reader(), call.stop())
              .wrap("{}", path));
      TRY(zip.end_file());
    } else if (stored.entry.type == EntryType::Directory) {
      TRY(zip.add(path, stored.entry));
    } else if (stored.entry.type == EntryType::Symlink) {
      repository::Entry link = stored.entry;
      link.link_target = TRY(repo.trees().link_target(stored, repo.reader(), workspace));
      TRY(zip.add(path, link));
    }
    return WalkStep::Into;
  };
  TRY(walk_tree(repo, folder, "", visit, {}, call.stop()));
  return zip.finish();
}

Status dump(RepoCall& call,
            repository::Repository& repo,
            const StoredEntry& entry,
            ByteSink& sink) {
  if (entry.entry.type == EntryType::File) {
    return repository::dump_file(entry, sink, repo.trees(), repo.reader(), call.stop());
  }
  if (entry.entry.type == EntryType::Directory) {
    return call.flags().text("archive") == "zip" ? dump_zip(call, repo, entry, sink)
                                                 : dump_tar(call, repo, entry, sink);
  }
  return Error(Code::InvalidArgument, "{} is neither a file nor a folder", entry.entry.name);
}

Result<int> run(RepoCall& call) {
  const std::vector<std::string>& args = call.call.args;
  if (args.size() != 2) {
    return Error(Code::InvalidArgument, "a snapshot and a file in it must be named");
  }
  const std::string archive = call.flags().text("archive");
  if (archive != "tar" && archive != "zip") {
    return Error(Code::InvalidArgument, "--archive {}: there are tar and zip", archive);
  }
  const std::string target = call.flags().text("target");
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotPath found =
      TRY(find_snapshot(list.snapshots, args.front(), read_filter(call.flags())));
  TRY(need_some_contents(call, repo));
  const StoredEntry entry =
      TRY(find_entry(*repo.repository, found.snapshot.root, found.folder + "/" + args[1]));
  if (target.empty()) {
    if (call.printer.console().is_terminal() && entry.entry.type == EntryType::Directory) {
      return Error(Code::InvalidArgument, "a terminal is no place for a {} file", archive)
          .with_hint("Redirect the output, or give --target.");
    }
    FdSink sink(STDOUT_FILENO);
    TRY(dump(call, *repo.repository, entry, sink));
    return kExitOk;
  }
  AtomicFile file = TRY(AtomicFile::create(target));
  FdSink sink(file.fd());
  TRY(dump(call, *repo.repository, entry, sink));
  TRY(file.commit());
  return kExitOk;
}

}  // namespace

Command dump_command() {
  std::vector<FlagSpec> flags = filter_flags();
  flags.push_back({.name = "archive",
                   .usage = "How folders are written: tar or zip",
                   .value = "tar",
                   .shorthand = "a",
                   .type_name = "format",
                   .words = {"tar", "zip"}});
  flags.push_back({.name = "target",
                   .usage = "Write to this file instead of standard output",
                   .shorthand = "t",
                   .type_name = "path",
                   .names = "file"});
  return {.name = "dump",
          .usage = "SNAPSHOT FILE",
          .summary = "Write a file of a snapshot (or a folder, as tar or zip) to standard output",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
