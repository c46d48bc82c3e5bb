#include "cli/repo/repo_commands.h"
#include "cli/repo/session.h"

namespace lateen::cli::repo {
namespace {

using repository::RepairReport;

int print_report(const RepairReport& report, repository::Progress& progress, const Printer& out) {
  for (const repository::Problem& problem : progress.problems.take())
    out.problem(problem, "repair");
  if (out.json()) {
    JsonArray done;
    for (const std::string& line : report.done)
      done.emplace_back(line);
    JsonArray lost;
    for (const std::string& line : report.lost)
      lost.emplace_back(line);
    out.document(JsonObject{
        {"message_type", "summary"}, {"done", std::move(done)}, {"lost", std::move(lost)}});
  } else {
    for (const std::string& line : report.done)
      out.note(line);
    for (const std::string& line : report.lost)
      out.error("lost: " + printable(line));
    if (report.done.empty() && report.lost.empty()) out.note("nothing needed repair");
  }
  return kExitOk;
}

Result<int> index(RepoCall& call) {
  const OpenRepo repo = TRY(open_repo(call, Access::Exclusive));
  repository::Progress progress;
  const RepairReport report = TRY(repo.repository->repair_index(progress, call.stop()));
  return print_report(report, progress, call.printer);
}

Result<int> packs(RepoCall& call) {
  if (call.call.args.empty()) {
    return Error(Code::InvalidArgument, "no packs are named")
        .with_hint("`check --read-data` says which are damaged.");
  }
  const OpenRepo repo = TRY(open_repo(call, Access::Exclusive));
  repository::Progress progress;
  const RepairReport report =
      TRY(repo.repository->repair_packs(call.call.args, progress, call.stop()));
  return print_report(report, progress, call.printer);
}

Result<int> snapshots(RepoCall& call) {
  const OpenRepo repo = TRY(open_repo(call, Access::Exclusive));
  repository::Progress progress;
  const RepairReport report =
      TRY(repo.repository->repair_snapshots(call.flags().is("forget"), progress, call.stop()));
  return print_report(report, progress, call.printer);
}

}  // namespace

Command repair_command() {
  return {.name = "repair",
          .usage = "",
          .summary = "Make a damaged repository whole again, without what is lost",
          .children = {{.name = "index",
                        .usage = "",
                        .summary = "Rebuild the index from the packs",
                        .flags = with_repo_flags({{.name = "read-all-packs",
                                                   .kind = FlagKind::Bool,
                                                   .usage = "Taken and ignored: all are read",
                                                   .hidden = true}}),
                        .run = repo_handler(index),
                        .max_args = 0},
                       {.name = "packs",
                        .usage = "PACK...",
                        .summary = "Save what is readable of damaged packs, and remove them",
                        .flags = with_repo_flags({}),
                        .run = repo_handler(packs)},
                       {.name = "snapshots",
                        .usage = "",
                        .summary = "Make snapshots without what is lost",
                        .flags = with_repo_flags({{.name = "forget",
                                                   .kind = FlagKind::Bool,
                                                   .usage = "And remove the damaged ones"}}),
                        .run = repo_handler(snapshots),
                        .max_args = 0}}};
}

Command rebuild_index_command() {
  return {.name = "rebuild-index",
          .usage = "",
          .summary = "As repair index: restic's former name for it",
          .flags = with_repo_flags({{.name = "read-all-packs",
                                     .kind = FlagKind::Bool,
                                     .usage = "Taken and ignored: all packs are read",
                                     .hidden = true}}),
          .run = repo_handler(index),
          .hidden = true,
          .max_args = 0};
}

Command unlock_command() {
  const auto run = [](RepoCall& call) -> Result<int> {
    const OpenRepo repo = TRY(open_repo(call, Access::NoLock));
    TRY(only_restic(repo, "unlock"));
    const std::size_t removed =
        TRY(repo.restic->remove_locks(call.flags().is("remove-all"), call.stop()));
    if (removed > 0) call.printer.note(fmt::format("successfully removed {} locks", removed));
    return kExitOk;
  };
  return {.name = "unlock",
          .usage = "",
          .summary = "Remove the locks of processes that are gone",
          .flags = with_repo_flags({{.name = "remove-all",
                                     .kind = FlagKind::Bool,
                                     .usage = "Remove all locks, also of those at work"}}),
          .run = repo_handler(run),
          .max_args = 0};
}

}  // namespace lateen::cli::repo
