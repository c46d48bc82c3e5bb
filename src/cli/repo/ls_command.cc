#include "base/text.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "cli/repo/show.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

// Folders that were named: without --recursive only they and what is directly in them.
class Listing {
 public:
  Listing(std::vector<std::string> dirs, bool recursive)
      : dirs_(std::move(dirs)), recursive_(recursive || dirs_.empty()) {}

  bool shows(std::string_view path) const {
    if (dirs_.empty()) return true;
    for (const std::string& dir : dirs_) {
      if (path == dir || dir == "/") return true;
      if (!path.starts_with(dir + "/")) continue;
      if (recursive_ || path.find('/', dir.size() + 1) == std::string_view::npos) return true;
    }
    return false;
  }

  // Whether anything below this folder is shown.
  bool enters(std::string_view path) const {
    if (dirs_.empty()) return true;
    const std::string below = std::string(path) + "/";
    for (const std::string& dir : dirs_) {
      if (dir == path || dir == "/" || dir.starts_with(below)) return true;
      if (recursive_ && path.starts_with(dir + "/")) return true;
    }
    return false;
  }

 private:
  std::vector<std::string> dirs_;
  bool recursive_;
};

Result<std::vector<std::string>> read_dirs(const std::vector<std::string>& args) {
  std::vector<std::string> dirs;
  for (std::size_t i = 1; i < args.size(); ++i) {
    std::string dir = std::filesystem::path(args[i]).lexically_normal().string();
    while (dir.size() > 1 && dir.ends_with('/'))
      dir.pop_back();
    if (!dir.starts_with('/')) {
      return Error(Code::InvalidArgument, "{} is not an absolute path", args[i]);
    }
    dirs.push_back(std::move(dir));
  }
  return dirs;
}

void print_head(const Snapshot& snapshot,
                const std::vector<std::string>& dirs,
                const Printer& out) {
  if (out.json()) {
    JsonObject json = snapshot_json(snapshot);
    json["message_type"] = "snapshot";
    json["struct_type"] = "snapshot";
    out.document(json);
    return;
  }
  out.note(fmt::format(
      "snapshot {} of [{}] at {} by {}@{} filtered by [{}]:", snapshot.id.substr(0, 8),
      join(std::span(snapshot.paths), " "), format_local_time(snapshot.time, Zone::local()),
      snapshot.user, snapshot.host, join(std::span(dirs), " ")));
}

Result<int> run(RepoCall& call) {
  const std::vector<std::string>& args = call.call.args;
  if (args.empty()) {
    return Error(Code::InvalidArgument, "no snapshot is named").with_hint("Give an ID, or latest.");
  }
  std::vector<std::string> dirs = TRY(read_dirs(args));
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotPath found =
      TRY(find_snapshot(list.snapshots, args.front(), read_filter(call.flags())));
  TRY(need_some_contents(call, repo));
  const StoredEntry root = TRY(find_entry(*repo.repository, found.snapshot.root, found.folder));
  print_head(found.snapshot, dirs, call.printer);
  const Listing listing(dirs, call.flags().is("recursive"));
  const Zone zone = Zone::local();
  const bool long_format = call.flags().is("long");
  const bool human = call.flags().is("human-readable");
  const auto visit = [&](const std::string& path, const StoredEntry& stored) -> Result<WalkStep> {
    if (listing.shows(path)) {
      if (call.printer.json()) {
        call.printer.document(node_json(path, stored.entry));
      } else {
        call.printer.result(long_format ? long_line(path, stored.entry, human, zone)
                                        : printable(path));
      }
    }
    return listing.enters(path) ? WalkStep::Into : WalkStep::Over;
  };
  TRY(walk_tree(*repo.repository, root, "", visit, {}, call.stop()));
  return kExitOk;
}

}  // namespace

Command ls_command() {
  std::vector<FlagSpec> flags = filter_flags();
  flags.push_back({.name = "long",
                   .kind = FlagKind::Bool,
                   .usage = "Show mode, owner, size and time as well",
                   .shorthand = "l"});
  flags.push_back({.name = "recursive",
                   .kind = FlagKind::Bool,
                   .usage = "Also what is in folders of the named folders"});
  flags.push_back(
      {.name = "human-readable", .kind = FlagKind::Bool, .usage = "Sizes in KiB, MiB and so on"});
  return {.name = "ls",
          .usage = "SNAPSHOT [DIR...]",
          .summary = "List the files of a snapshot",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
