#include <algorithm>

#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"
#include "cli/repo/show.h"

namespace lateen::cli::repo {
namespace {

// The newest of each group, or of each host and set of paths.
std::vector<SnapshotGroup> only_latest(std::vector<SnapshotGroup> groups,
                                       std::size_t latest,
                                       bool grouped) {
  for (SnapshotGroup& group : groups) {
    std::vector<Snapshot> kept;
    const GroupBy by = grouped ? GroupBy{} : GroupBy{.host = true, .paths = true};
    for (SnapshotGroup& part : group_snapshots(std::move(group.snapshots), by)) {
      const std::size_t drop = part.snapshots.size() - std::min(latest, part.snapshots.size());
      std::move(part.snapshots.begin() + static_cast<std::ptrdiff_t>(drop), part.snapshots.end(),
                std::back_inserter(kept));
    }
    std::sort(kept.begin(), kept.end(),
              [](const Snapshot& a, const Snapshot& b) { return a.time < b.time; });
    group.snapshots = std::move(kept);
  }
  return groups;
}

void print_json(const std::vector<SnapshotGroup>& groups, bool grouped, const Printer& printer) {
  JsonArray out;
  for (const SnapshotGroup& group : groups) {
    JsonArray members;
    for (const Snapshot& snapshot : group.snapshots)
      members.push_back(snapshot_json(snapshot));
    if (grouped) {
      const Json tags = group.tags.empty() ? Json(nullptr) : Json(texts_json(group.tags));
      const Json paths = group.paths.empty() ? Json(nullptr) : Json(texts_json(group.paths));
      out.push_back(JsonObject{
          {"group_key", JsonObject{{"hostname", group.host}, {"paths", paths}, {"tags", tags}}},
          {"snapshots", std::move(members)}});
    } else {
      std::move(members.begin(), members.end(), std::back_inserter(out));
    }
  }
  printer.document(out);
}

Result<int> run(RepoCall& call) {
  const GroupBy by = TRY(parse_group_by(call.flags().text("group-by")));
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  auto selected = TRY(select_snapshots(list.snapshots, call.call.args, read_filter(call.flags())));
  std::vector<SnapshotGroup> groups = group_snapshots(std::move(selected), by);
  if (groups.empty() && !by.any()) groups.emplace_back();
  const std::int64_t latest = call.flags().integer("latest");
  if (latest > 0) {
    groups = only_latest(std::move(groups), static_cast<std::size_t>(latest), by.any());
  }
  const int code = list.complete ? kExitOk : kExitIncomplete;
  if (call.printer.json()) {
    print_json(groups, by.any(), call.printer);
    return code;
  }
  for (const SnapshotGroup& group : groups) {
    const std::string heading = group.heading(by);
    if (!heading.empty()) call.printer.result(heading);
    call.call.console.out(
        snapshot_table(group.snapshots, {}, call.flags().is("compact"), Zone::local()));
  }
  return code;
}

}  // namespace

Command snapshots_command() {
  std::vector<FlagSpec> flags = filter_flags();
  flags.push_back(
      {.name = "compact", .kind = FlagKind::Bool, .usage = "Show less of each", .shorthand = "c"});
  flags.push_back({.name = "latest",
                   .kind = FlagKind::Int,
                   .usage = "Only the last n of each host and path",
                   .value = "0",
                   .type_name = "n"});
  flags.push_back({.name = "group-by",
                   .usage = "Group by host, paths and/or tags",
                   .shorthand = "g",
                   .type_name = "group"});
  return {.name = "snapshots",
          .usage = "[SNAPSHOT...]",
          .summary = "List snapshots",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
