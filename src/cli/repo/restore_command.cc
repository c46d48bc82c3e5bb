#include "base/text.h"
#include "cli/repo/pattern_flags.h"
#include "cli/repo/progress_display.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"
#include "cli/repo/tree_walk.h"
#include "cli/repo/verify_restored.h"
#include "repository/engine/delete_extra.h"

namespace lateen::cli::repo {
namespace {

using repository::Overwrite;
using repository::RestoreOptions;
using repository::RestoreStats;

Result<Overwrite> read_overwrite(const std::string& word) {
  if (word == "always") return Overwrite::Always;
  if (word == "if-changed") return Overwrite::IfChanged;
  if (word == "if-newer") return Overwrite::IfNewer;
  if (word == "never") return Overwrite::Never;
  return Error(Code::InvalidArgument,
               "--overwrite {}: there are always, if-changed, if-newer, never", word);
}

// Excludes and includes exclude each other, as in restic. Included is what fits, and all below it.
Status read_selection(const Flags& flags, RestoreOptions& options) {
  const auto excludes = std::make_shared<const PatternSet>(TRY(PatternSet::read(flags, "exclude")));
  const auto includes = std::make_shared<const PatternSet>(TRY(PatternSet::read(flags, "include")));
  if (!excludes->empty() && !includes->empty()) {
    return Error(Code::InvalidArgument, "--exclude and --include exclude each other");
  }
  if (!excludes->empty()) {
    options.select = [excludes](const std::string& path, const StoredEntry& /*entry*/) {
      return !excludes->look_at(path).matched;
    };
  }
  if (includes->empty()) return {};
  options.is_on_the_way = [includes](const std::string& path) {
    return !includes->look_at(path).matched;
  };
  options.select = [includes](const std::string& path, const StoredEntry& stored) {
    if (path == "/") return true;
    const PathFilter::Answer answer = includes->look_at(path);
    const bool folder = stored.entry.type == repository::EntryType::Directory;
    return answer.matched || (folder && answer.child_may_match);
  };
  return {};
}

Result<RestoreOptions> read_options(RepoCall& call) {
  const Flags& flags = call.flags();
  RestoreOptions options;
  options.target = flags.text("target");
  if (options.target.empty()) {
    return Error(Code::InvalidArgument, "no directory to restore to: give --target");
  }
  options.overwrite = TRY(read_overwrite(flags.text("overwrite")));
  options.sparse = flags.is("sparse");
  options.dry_run = flags.is("dry-run");
  TRY(read_selection(flags, options));
  // Everything else on the machine would go.
  if (flags.is("delete") && !options.select && options.target.lexically_normal() == "/") {
    return Error(Code::InvalidArgument, "--delete with --target / needs --include or --exclude");
  }
  if (options.dry_run && flags.is("verify")) {
    return Error(Code::InvalidArgument, "--dry-run and --verify exclude each other");
  }
  return options;
}

// --delete: how many entries went.
Result<std::uint64_t> delete_others(RepoCall& call,
                                    repository::Repository& repo,
                                    const StoredEntry& root,
                                    const RestoreOptions& options,
                                    repository::Progress& progress) {
  std::uint64_t count = 0;
  const auto removed = [&](const std::string& path) {
    ++count;
    call.printer.detail(
        fmt::format("{} {}", options.dry_run ? "would delete" : "deleted", printable(path)));
  };
  TRY(repository::delete_extra(root, options, repo.trees(), repo.reader(), removed, progress,
                               call.stop()));
  return count;
}

void print_summary(const RestoreStats& stats,
                   std::uint64_t deleted,
                   Duration took,
                   bool dry_run,
                   const Printer& out) {
  const std::uint64_t entries = stats.files + stats.dirs + stats.others;
  if (out.json()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(took).count();
    JsonObject json = {{"message_type", "summary"},
                       {"seconds_elapsed", seconds},
                       {"total_files", entries + stats.skipped},
                       {"files_restored", entries},
                       {"files_skipped", stats.skipped},
                       {"total_bytes", stats.bytes},
                       {"bytes_restored", stats.bytes}};
    if (deleted > 0) json["files_deleted"] = deleted;
    out.document(json);
    return;
  }
  std::string line =
      fmt::format("Summary: {} {} files/dirs ({}) in {}", dry_run ? "Would restore" : "Restored",
                  entries, format_bytes(stats.bytes), format_seconds(took));
  if (stats.skipped > 0) line += fmt::format(", skipped {} files/dirs", stats.skipped);
  if (deleted > 0) line += fmt::format(", deleted {} files/dirs", deleted);
  out.note(line);
}

// Says what went wrong. How many.
std::size_t print_problems(repository::Progress& progress, const Printer& out) {
  const auto problems = progress.problems.take();
  for (const repository::Problem& problem : problems)
    out.problem(problem, "restore");
  return problems.size();
}

Error errors_happened(std::size_t count) {
  return {Code::Io, "There were {} errors", count};
}

Result<int> run(RepoCall& call) {
  if (call.call.args.size() != 1) {
    return Error(Code::InvalidArgument, "one snapshot must be named (or latest), not {}",
                 call.call.args.size());
  }
  const RestoreOptions options = TRY(read_options(call));
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotPath found =
      TRY(find_snapshot(list.snapshots, call.call.args.front(), read_filter(call.flags())));
  if (!found.snapshot.incomplete.empty()) {
    return Error(Code::InvalidArgument, "snapshot {} is not whole ({}): its backup did not end",
                 found.snapshot.id.substr(0, 8), found.snapshot.incomplete)
        .with_hint("Restore another one; single files of it can be had with `dump` and `mount`.");
  }
  TRY(need_some_contents(call, repo));
  const StoredEntry root = TRY(find_entry(*repo.repository, found.snapshot.root, found.folder));
  call.printer.note(
      fmt::format("restoring snapshot {} of [{}] to {}", found.snapshot.id.substr(0, 8),
                  join(std::span(found.snapshot.paths), " "), options.target.string()));
  repository::Progress progress;
  const auto start = monotonic_now();
  Result<RestoreStats> stats = [&] {
    const ProgressDisplay display(call.printer, Activity::Restore, progress);
    return repository::restore_tree(root, options, repo.repository->trees(),
                                    repo.repository->reader(), progress, call.stop());
  }();
  if (!stats) {
    (void)print_problems(progress, call.printer);
    return std::move(stats).error();
  }
  std::uint64_t deleted = 0;
  if (call.flags().is("delete")) {
    deleted = TRY(delete_others(call, *repo.repository, root, options, progress));
  }
  const std::size_t errors = print_problems(progress, call.printer);
  print_summary(*stats, deleted, monotonic_now() - start, options.dry_run, call.printer);
  if (errors > 0) return errors_happened(errors);
  if (!call.flags().is("verify")) return kExitOk;
  repository::Progress verified;
  const std::uint64_t files =
      TRY(verify_restored(*repo.repository, root, options, verified, call.stop()));
  const std::size_t wrong = print_problems(verified, call.printer);
  if (wrong > 0) return errors_happened(wrong);
  call.printer.note(
      fmt::format("finished verifying {} files in {}", files, options.target.string()));
  return kExitOk;
}

}  // namespace

Command restore_command() {
  std::vector<FlagSpec> flags = filter_flags();
  const std::vector<FlagSpec> more = {
      {.name = "target",
       .usage = "The directory to restore to",
       .shorthand = "t",
       .type_name = "directory",
       .names = "file"},
      {.name = "overwrite",
       .usage = "What to do with files that are there: always, if-changed, if-newer or never",
       .value = "always",
       .type_name = "behavior",
       .words = {"always", "if-changed", "if-newer", "never"}},
      {.name = "sparse", .kind = FlagKind::Bool, .usage = "Leave holes where files are zeros"},
      {.name = "delete",
       .kind = FlagKind::Bool,
       .usage = "Remove what is in the target and not in the snapshot (-v with --dry-run: what)"},
      {.name = "verify", .kind = FlagKind::Bool, .usage = "Read what was written and compare it"},
      {.name = "dry-run",
       .kind = FlagKind::Bool,
       .usage = "Write nothing, only say what would be"}};
  flags.insert(flags.end(), more.begin(), more.end());
  for (const std::string_view kind : {"exclude", "include"}) {
    for (FlagSpec& spec : pattern_flags(kind))
      flags.push_back(std::move(spec));
  }
  return {.name = "restore",
          .usage = "SNAPSHOT[:FOLDER]",
          .summary = "Bring a snapshot's files back",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
