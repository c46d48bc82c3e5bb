#include "cli/repo/pattern_flags.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"

namespace lateen::cli::repo {
namespace {

using repository::CopyReport;

struct Rewriting {
  bool dry_run = false;
  bool forget = false;
};

void say(RepoCall& call, const Snapshot& snapshot, const CopyReport& report, const Rewriting& how) {
  const std::string old_id = snapshot.id.substr(0, 8);
  if (report.unchanged) {
    call.printer.detail(fmt::format("snapshot {}: nothing of it is excluded", old_id));
  } else if (call.printer.json()) {
    call.printer.document(JsonObject{{"message_type", "changed"},
                                     {"old_snapshot_id", snapshot.id},
                                     {"new_snapshot_id", report.id}});
  } else if (how.dry_run) {
    call.printer.note(fmt::format("would write snapshot {} without what is excluded{}", old_id,
                                  how.forget ? ", and remove it" : ""));
  } else {
    call.printer.note(
        fmt::format("snapshot {} without what is excluded: {}", old_id, report.id.substr(0, 8)));
  }
}

Result<int> run(RepoCall& call) {
  const PatternSet excludes = TRY(PatternSet::read(call.flags(), "exclude"));
  if (excludes.empty()) {
    return Error(Code::InvalidArgument, "nothing to do: no --exclude was given");
  }
  const Rewriting how{.dry_run = call.flags().is("dry-run"), .forget = call.flags().is("forget")};
  const OpenRepo repo = TRY(open_repo(call, how.forget ? Access::Exclusive : Access::Write));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  TRY(need_contents(repo, call.stop()));
  const auto selected =
      TRY(select_snapshots(list.snapshots, call.call.args, read_filter(call.flags())));
  repository::TransferMemory memory;
  std::vector<std::string> replaced;
  for (const Snapshot& snapshot : selected) {
    repository::Progress progress;
    const CopyReport report =
        TRY(repo.repository
                ->copy_snapshot(
                    {.source = *repo.repository,
                     .snapshot = snapshot,
                     .memory = memory,
                     .exclude =
                         [&](const std::string& path, const repository::StoredEntry& /*entry*/) {
                           return excludes.look_at(path).matched;
                         },
                     .add_tags = how.forget ? std::vector<std::string>()
                                            : std::vector<std::string>{"rewrite"},
                     .dry_run = how.dry_run},
                    progress, call.stop())
                .wrap("snapshot {}", snapshot.id.substr(0, 8)));
    say(call, snapshot, report, how);
    if (!report.unchanged) replaced.push_back(snapshot.id);
  }
  if (how.forget && !how.dry_run && !replaced.empty()) {
    TRY(repo.repository->forget(replaced, call.stop()));
    call.printer.note(fmt::format("removed {} old snapshots", replaced.size()));
  }
  if (replaced.empty()) call.printer.note("no snapshots were modified");
  return list.complete ? kExitOk : kExitIncomplete;
}

}  // namespace

Command rewrite_command() {
  std::vector<FlagSpec> flags = filter_flags();
  const std::vector<FlagSpec> more = {
      {.name = "forget", .kind = FlagKind::Bool, .usage = "Remove the old snapshots"},
      {.name = "dry-run",
       .kind = FlagKind::Bool,
       .usage = "Write nothing, only say what would be",
       .shorthand = "n"}};
  flags.insert(flags.end(), more.begin(), more.end());
  for (FlagSpec& spec : pattern_flags("exclude"))
    flags.push_back(std::move(spec));
  return {.name = "rewrite",
          .usage = "[SNAPSHOT...]",
          .summary = "Write snapshots anew without some files",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
