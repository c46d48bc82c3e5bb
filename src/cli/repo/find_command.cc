#include <algorithm>
#include <optional>

#include "base/text.h"
#include "cli/repo/find_objects.h"
#include "cli/repo/path_filter.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "cli/repo/show.h"
#include "cli/repo/time_text.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

struct Wanted {
  PathFilter names = {};
  std::optional<TimePoint> oldest = {};
  std::optional<TimePoint> newest = {};

  bool fits(const std::string& path, const repository::Entry& entry) const {
    if (!names.matches(path)) return false;
    if (oldest && entry.mtime < *oldest) return false;
    return !newest || entry.mtime <= *newest;
  }
};

Result<Wanted> read_wanted(RepoCall& call) {
  const Flags& flags = call.flags();
  if (call.call.args.empty()) return Error(Code::InvalidArgument, "no pattern was given");
  Wanted wanted{.names = TRY(PathFilter::parse(call.call.args, flags.is("ignore-case")))};
  const TimePoint now = call.clock.now();
  if (flags.given("oldest")) {
    wanted.oldest = TRY(parse_time(flags.text("oldest"), Zone::local(), now).wrap("--oldest"));
  }
  if (flags.given("newest")) {
    wanted.newest = TRY(parse_time(flags.text("newest"), Zone::local(), now).wrap("--newest"));
  }
  return wanted;
}

// One snapshot's hits, in the shape of restic's `find --json`.
JsonObject found_json(const std::string& path, const repository::Entry& entry) {
  JsonObject json = node_json(path, entry);
  for (const std::string_view key : {"name", "message_type", "struct_type"})
    json.erase(key);
  if (entry.device != 0) json["device_id"] = entry.device;
  if (entry.links != 0) json["links"] = entry.links;
  return json;
}

struct Hits {
  JsonArray matches = {};
  std::uint64_t count = 0;
};

Result<Hits> find_in(RepoCall& call,
                     const OpenRepo& repo,
                     const Snapshot& snapshot,
                     const Wanted& wanted) {
  Hits hits;
  const Zone zone = Zone::local();
  const auto visit = [&](const std::string& path, const StoredEntry& stored) -> Result<WalkStep> {
    if (!wanted.fits(path, stored.entry)) return WalkStep::Into;
    if (call.printer.json()) {
      hits.matches.push_back(found_json(path, stored.entry));
    } else {
      if (hits.count == 0) {
        call.printer.result(fmt::format("Found matching entries in snapshot {} from {}",
                                        snapshot.id.substr(0, 8),
                                        format_local_time(snapshot.time, zone)));
      }
      call.printer.result(
          call.flags().is("long")
              ? long_line(path, stored.entry, call.flags().is("human-readable"), zone)
              : printable(path));
    }
    ++hits.count;
    return WalkStep::Into;
  };
  const auto unreadable = [&](const std::string& path, const Error& error) {
    call.printer.problem(
        {.path = fmt::format("snapshot {}:{}", snapshot.id.substr(0, 8), path), .error = error},
        "find");
  };
  TRY(walk_tree(*repo.repository, snapshot.root, "", visit, unreadable, call.stop()));
  if (hits.count > 0 && !call.printer.json()) call.printer.result("");
  return hits;
}

// --blob, --tree or --pack: the patterns are IDs.
Result<std::optional<ObjectKind>> read_kind(const Flags& flags) {
  std::optional<ObjectKind> kind;
  const std::array<std::pair<std::string_view, ObjectKind>, 3> kinds = {
      {{"blob", ObjectKind::Blob}, {"tree", ObjectKind::Tree}, {"pack", ObjectKind::Pack}}};
  for (const auto& [name, meaning] : kinds) {
    if (!flags.is(name)) continue;
    if (kind) return Error(Code::InvalidArgument, "--blob, --tree and --pack exclude each other");
    kind = meaning;
  }
  return kind;
}

Result<int> run(RepoCall& call) {
  const std::optional<ObjectKind> kind = TRY(read_kind(call.flags()));
  const Wanted wanted = TRY(read_wanted(call));
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  TRY(need_some_contents(call, repo));
  auto selected = TRY(
      select_snapshots(list.snapshots, call.flags().texts("snapshot"), read_filter(call.flags())));
  if (!call.flags().is("reverse")) std::reverse(selected.begin(), selected.end());
  if (kind) return find_objects(call, repo, selected, *kind, call.call.args);
  JsonArray out;
  for (const Snapshot& snapshot : selected) {
    Hits hits = TRY(find_in(call, repo, snapshot, wanted));
    if (hits.count == 0 || !call.printer.json()) continue;
    out.push_back(JsonObject{
        {"matches", std::move(hits.matches)}, {"hits", hits.count}, {"snapshot", snapshot.id}});
  }
  if (call.printer.json()) call.printer.document(out);
  return kExitOk;
}

}  // namespace

Command find_command() {
  std::vector<FlagSpec> flags = filter_flags();
  const std::vector<FlagSpec> more = {
      {.name = "oldest", .usage = "Not changed before", .shorthand = "O", .type_name = "time"},
      {.name = "newest", .usage = "Not changed after", .shorthand = "N", .type_name = "time"},
      {.name = "snapshot",
       .kind = FlagKind::Texts,
       .usage = "In this snapshot (again: and in that)",
       .shorthand = "s",
       .type_name = "id"},
      {.name = "ignore-case",
       .kind = FlagKind::Bool,
       .usage = "Without minding the case of letters",
       .shorthand = "i"},
      {.name = "reverse",
       .kind = FlagKind::Bool,
       .usage = "Oldest snapshot first",
       .shorthand = "R"},
      {.name = "long",
       .kind = FlagKind::Bool,
       .usage = "Show mode, owner, size and time as well",
       .shorthand = "l"},
      {.name = "blob", .kind = FlagKind::Bool, .usage = "Files that need the blobs of these IDs"},
      {.name = "tree", .kind = FlagKind::Bool, .usage = "Folders that are the trees of these IDs"},
      {.name = "pack",
       .kind = FlagKind::Bool,
       .usage = "What needs anything in the packs of these IDs"},
      {.name = "human-readable", .kind = FlagKind::Bool, .usage = "Sizes in KiB, MiB and so on"}};
  flags.insert(flags.end(), more.begin(), more.end());
  return {.name = "find",
          .usage = "PATTERN...",
          .summary = "Find files in snapshots",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
