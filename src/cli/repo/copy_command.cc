#include <algorithm>

#include "base/text.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"
#include "cli/repo/tree_walk.h"

namespace lateen::cli::repo {
namespace {

using repository::CopyReport;
using repository::CopyRequest;
using repository::RepositoryFormat;

// Whether a snapshot was copied before: all that a snapshot is known by is the same.
bool is_copy(const Snapshot& there, const Snapshot& here) {
  return there.time == here.time && there.host == here.host && there.user == here.user &&
         there.paths == here.paths && there.tags == here.tags;
}

// A snapshot of kopia's is the folder itself, one of restic's leads to it by its path.
Status fit_root(repository::Repository& source, RepositoryFormat target, CopyRequest& request) {
  Snapshot& snapshot = request.snapshot;
  if (source.format() == target) return {};
  const bool one = snapshot.paths.size() == 1 && snapshot.paths.front().starts_with('/');
  const std::string path = one ? snapshot.paths.front() : "/" + snapshot.root.entry.name;
  if (source.format() == RepositoryFormat::Kopia) {
    const bool folder = snapshot.root.entry.type == repository::EntryType::Directory;
    if (one || !folder) request.below = path;
    return {};
  }
  if (!one) return {};
  auto root = find_entry(source, snapshot.root, path);
  if (root) {
    snapshot.root = std::move(*root);
  } else if (!root.error().is(Code::NotFound)) {
    return std::move(root).error();
  }
  return {};
}

std::string describe(const Snapshot& snapshot) {
  return fmt::format("snapshot {} of [{}] at {} by {}@{}", snapshot.id.substr(0, 8),
                     join(std::span(snapshot.paths), " "),
                     format_local_time(snapshot.time, Zone::local()), snapshot.user, snapshot.host);
}

struct CopyCount {
  std::size_t copied = 0;
  std::size_t skipped = 0;
  std::size_t incomplete = 0;  // some entries have no place in the other format
};

void say_copied(RepoCall& call, const Snapshot& snapshot, const CopyReport& report) {
  if (call.printer.json()) {
    call.printer.document(JsonObject{{"message_type", "copied"},
                                     {"source_snapshot_id", snapshot.id},
                                     {"snapshot_id", report.id},
                                     {"data_added", report.added},
                                     {"data_added_packed", report.added_packed}});
    return;
  }
  call.printer.note(fmt::format("{}\n  saved as {}: {} added ({} stored)", describe(snapshot),
                                report.id.substr(0, 8), format_bytes(report.added),
                                format_bytes(report.added_packed)));
}

Status copy_all(RepoCall& call,
                const std::vector<Snapshot>& selected,
                repository::Repository& source,
                repository::Repository& target,
                CopyCount& count) {
  const std::vector<Snapshot> known = TRY(target.snapshots(call.stop()));
  repository::TransferMemory memory;
  for (const Snapshot& snapshot : selected) {
    CopyRequest request{.source = source,
                        .snapshot = snapshot,
                        .memory = memory,
                        .compression = call.settings.compression};
    TRY(fit_root(source, target.format(), request).wrap("{}", describe(snapshot)));
    const auto twin = std::ranges::find_if(
        known, [&](const Snapshot& there) { return is_copy(there, snapshot); });
    if (twin != known.end()) {
      ++count.skipped;
      call.printer.detail(fmt::format("skipping {}: it is here already as {}", describe(snapshot),
                                      twin->id.substr(0, 8)));
      continue;
    }
    repository::Progress progress;
    const CopyReport report =
        TRY(target.copy_snapshot(request, progress, call.stop()).wrap("{}", describe(snapshot)));
    const auto problems = progress.problems.take();
    for (const repository::Problem& problem : problems)
      call.printer.problem(problem, "copy");
    count.incomplete += problems.empty() ? 0 : 1;
    ++count.copied;
    say_copied(call, snapshot, report);
  }
  return {};
}

Result<int> run(RepoCall& call) {
  const RepoSettings from = TRY(read_from_settings(call.call, call.settings));
  const auto password = [&call] { return read_password(call.call, PasswordUse::From); };
  const OpenRepo source = TRY(open_repo_at(call, from, password, Access::Read));
  const OpenRepo target = TRY(open_repo(call, Access::Write));
  if (source.repository->id() == target.repository->id()) {
    return Error(Code::InvalidArgument, "both are the same repository, {}", from.location);
  }
  const SnapshotList list = TRY(list_snapshots(call, source));
  TRY(need_contents(source, call.stop()));
  const auto selected =
      TRY(select_snapshots(list.snapshots, call.call.args, read_filter(call.flags())));
  CopyCount count;
  TRY(copy_all(call, selected, *source.repository, *target.repository, count));
  if (call.printer.json()) {
    call.printer.document(JsonObject{{"message_type", "summary"},
                                     {"copied_snapshots", count.copied},
                                     {"skipped_snapshots", count.skipped}});
  } else {
    call.printer.note(
        fmt::format("copied {} snapshots, {} were here already", count.copied, count.skipped));
  }
  return list.complete && count.incomplete == 0 ? kExitOk : kExitIncomplete;
}

}  // namespace

Command copy_command() {
  std::vector<FlagSpec> flags = from_repo_flags();
  for (FlagSpec& spec : filter_flags())
    flags.push_back(std::move(spec));
  return {.name = "copy",
          .usage = "[SNAPSHOT...]",
          .summary = "Copy snapshots from another repository, of either format",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
