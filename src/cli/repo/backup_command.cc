#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/process.h"
#include "base/text.h"
#include "base/time.h"
#include "base/wake.h"
#include "base/zone.h"
#include "cli/repo/backup_sources.h"
#include "cli/repo/progress_display.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/time_text.h"
#include "repository/tree/tree_warming.h"

namespace lateen::cli::repo {
namespace {

using repository::BackupReport;
using repository::BackupRequest;

// A descriptor whose reader hears the stop while it waits for more.
class AwaitedSource final : public ByteSource {
 public:
  AwaitedSource(int fd, std::string name, std::stop_token stop)
      : fd_(fd), name_(std::move(name)), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<char> room) override {
    const auto stopped = TRY(StopFd::create(stop_));
    pollfd fds[] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                    {.fd = stopped->get(), .events = POLLIN, .revents = 0}};
    TRY(poll_until(fds, Deadline::never()));
    if (stop_.stop_requested()) return Error(Code::Canceled, "stopped while reading {}", name_);
    return FdSource(fd_, name_).read(room);
  }

 private:
  int fd_;
  std::string name_;
  std::stop_token stop_;
};

// A command's standard output; that it failed is an error at the end, so that no snapshot is made.
class CommandSource final : public ByteSource {
 public:
  CommandSource(Child child, std::string name, std::stop_token stop)
      : child_(std::move(child)), name_(std::move(name)), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<char> room) override {
    AwaitedSource pipe(child_.out().get(), name_, stop_);
    const std::size_t length = TRY(pipe.read(room));
    if (length > 0) return length;
    const ProcessEnd end = TRY(child_.wait(Deadline::never(), stop_));
    if (end.ok()) return std::size_t{0};
    return Error(Code::InvalidArgument, "the command {} failed: {}", name_, end.describe_end());
  }

 private:
  Child child_;
  std::string name_;
  std::stop_token stop_;
};

struct StdinSource {
  std::unique_ptr<ByteSource> source = {};
  std::string name = {};
};

Result<StdinSource> open_stdin(RepoCall& call) {
  StdinSource stdin_source;
  if (!call.flags().is("stdin") && !call.flags().is("stdin-from-command")) return stdin_source;
  stdin_source.name = call.flags().text("stdin-filename");
  while (stdin_source.name.starts_with('/'))
    stdin_source.name.erase(0, 1);
  if (stdin_source.name.empty() || stdin_source.name.find('/') != std::string::npos) {
    return Error(Code::InvalidArgument, "--stdin-filename {}: a name without folders is needed",
                 call.flags().text("stdin-filename"));
  }
  const std::vector<std::string>& args = call.call.args;
  if (call.flags().is("stdin-from-command")) {
    if (args.empty()) return Error(Code::InvalidArgument, "--stdin-from-command needs a command");
    Child child = TRY(Child::spawn({.argv = args, .out = Stdio::pipe(), .err = Stdio::inherit()}));
    stdin_source.source =
        std::make_unique<CommandSource>(std::move(child), args.front(), call.stop());
    return stdin_source;
  }
  if (!args.empty()) {
    return Error(Code::InvalidArgument, "--stdin was given, and files were named as well");
  }
  stdin_source.source =
      std::make_unique<AwaitedSource>(STDIN_FILENO, "standard input", call.stop());
  return stdin_source;
}

bool flag_or_true(const Flags& flags, std::string_view flag, const std::string& variable) {
  if (flags.given(flag)) return flags.is(flag);
  return parse_bool(env(variable).value_or("")).value_or(false);
}

Result<BackupRequest> read_request(RepoCall& call) {
  const Flags& flags = call.flags();
  Excludes excludes = TRY(read_excludes(flags));
  BackupRequest request;
  request.upload.exclude = std::move(excludes.exclude);
  request.upload.one_file_system = flags.is("one-file-system");
  request.excludes = std::move(excludes.texts);
  request.host = flags.given("host") ? flags.text("host") : default_host();
  request.user = default_user();
  for (const auto& list : tag_lists(flags, "tag")) {
    for (const std::string& tag : list) {
      if (!tag.empty()) request.tags.push_back(tag);
    }
  }
  if (flags.given("time")) {
    request.time = TRY(parse_time(flags.text("time"), Zone::local(), call.clock.now()));
  }
  request.force = flags.is("force");
  request.dry_run = flags.is("dry-run");
  request.compression = call.settings.compression;
  request.ignore_inode = flag_or_true(flags, "ignore-inode", "RESTIC_IGNORE_INODE");
  request.ignore_ctime = flag_or_true(flags, "ignore-ctime", "RESTIC_IGNORE_CTIME");
  request.with_atime = flags.is("with-atime");
  request.with_xattrs = flags.is("with-xattrs");
  request.skip_if_unchanged = flags.is("skip-if-unchanged");
  return request;
}

std::vector<FilePath> absolute(std::vector<FilePath> paths) {
  for (FilePath& path : paths)
    path = std::filesystem::absolute(path).lexically_normal();
  return paths;
}

// The folder that all of these relative paths are named from, as far as they lead up the same way.
std::optional<FilePath> common_start(const std::vector<FilePath>& paths) {
  std::optional<std::size_t> common;
  for (const FilePath& path : paths) {
    const FilePath clean = path.lexically_normal();
    const auto up = static_cast<std::size_t>(std::count(clean.begin(), clean.end(), ".."));
    if (path.is_absolute() || common.value_or(up) != up) return std::nullopt;
    common = up;
  }
  FilePath start = std::filesystem::absolute(".").lexically_normal().parent_path();
  for (std::size_t up = common.value_or(0); up > 0; --up)
    start = start.parent_path();
  return start;
}

// `backup .` saves what is in the folder; other paths are found again as they were named, relative
// ones by their relative names, as with restic.
void add_paths(const OpenRepo& repo, const std::vector<FilePath>& paths, BackupRequest& request) {
  const bool here = paths.size() == 1 &&
                    std::ranges::all_of(paths.front().lexically_normal(), [](const FilePath& part) {
                      return part.empty() || part == "." || part == "..";
                    });
  struct stat info = {};
  const bool folder =
      paths.size() == 1 && ::stat(paths.front().c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  // Kopia's snapshots are of one folder, and known by its path.
  request.upload.keep_paths = repo.restic != nullptr ? !here : !folder;
  if (repo.restic != nullptr) request.upload.keep_from = common_start(paths).value_or("/");
  request.upload.paths = absolute(paths);
}

void print_text(const BackupReport& report, bool dry_run, Duration took, const Printer& out) {
  const repository::UploadStats& s = report.stats;
  if (!report.snapshot.parent.empty()) {
    out.note("using parent snapshot " + report.snapshot.parent.substr(0, 8));
  } else {
    out.note("no parent snapshot found, will read all files");
  }
  out.note(fmt::format("\nFiles:       {:5} new, {:5} changed, {:5} unmodified", s.files_new,
                       s.files_changed, s.files_unchanged));
  out.note(fmt::format("Dirs:        {:5} new, {:5} changed, {:5} unmodified", s.dirs_new,
                       s.dirs_changed, s.dirs_unchanged));
  out.detail(fmt::format("Data Blobs:  {:5} new", report.data_blobs));
  out.detail(fmt::format("Tree Blobs:  {:5} new", report.tree_blobs));
  out.note(fmt::format("{} to the repository: {:<5} ({:<5} stored)",
                       dry_run ? "Would add" : "Added", format_bytes(report.data_added),
                       format_bytes(report.packed_added)));
  out.note(fmt::format("\nprocessed {} files, {} in {}",
                       s.files_new + s.files_changed + s.files_unchanged, format_bytes(s.bytes),
                       format_seconds(took)));
  if (dry_run) return;
  out.note(report.snapshot.id.empty() ? "skipped creating snapshot"
                                      : "snapshot " + report.snapshot.id.substr(0, 8) + " saved");
}

JsonObject to_json(const BackupReport& report, bool dry_run, TimePoint start, TimePoint end) {
  const repository::UploadStats& s = report.stats;
  JsonObject json = {{"message_type", "summary"},
                     {"files_new", s.files_new},
                     {"files_changed", s.files_changed},
                     {"files_unmodified", s.files_unchanged},
                     {"dirs_new", s.dirs_new},
                     {"dirs_changed", s.dirs_changed},
                     {"dirs_unmodified", s.dirs_unchanged},
                     {"data_blobs", report.data_blobs},
                     {"tree_blobs", report.tree_blobs},
                     {"data_added", report.data_added},
                     {"data_added_packed", report.packed_added},
                     {"total_files_processed", s.files_new + s.files_changed + s.files_unchanged},
                     {"total_bytes_processed", s.bytes},
                     {"total_duration", std::chrono::duration<double>(end - start).count()},
                     {"backup_start", format_rfc3339_nano(start)},
                     {"backup_end", format_rfc3339_nano(end)}};
  if (!report.snapshot.id.empty()) json["snapshot_id"] = report.snapshot.id;
  if (dry_run) json["dry_run"] = true;
  return json;
}

// The whole ID of the snapshot that --parent names.
Status find_parent(RepoCall& call, const OpenRepo& repo, BackupRequest& request) {
  if (!call.flags().given("parent")) return {};
  const SnapshotList list = TRY(list_snapshots(call, repo));
  const SnapshotPath parent =
      TRY(find_snapshot(list.snapshots, call.flags().text("parent"), {.hosts = {request.host}}));
  request.parent = parent.snapshot.id;
  return {};
}

Result<int> run(RepoCall& call) {
  const StdinSource stdin_source = TRY(open_stdin(call));
  BackupPaths paths;
  if (!stdin_source.source) paths = TRY(read_paths(call));
  for (const std::string& missing : paths.missing)
    call.printer.error(fmt::format("{} does not exist, skipping", printable(missing)));
  BackupRequest request = TRY(read_request(call));
  request.stdin_source = stdin_source.source.get();
  request.stdin_name = stdin_source.name;
  repository::TreeWarming warming({.paths = absolute(paths.paths),
                                   .exclude = request.upload.exclude,
                                   .one_file_system = request.upload.one_file_system});
  const OpenRepo repo = TRY(open_repo(call, Access::Write));
  warming.stop();
  TRY(find_parent(call, repo, request));
  add_paths(repo, paths.paths, request);

  repository::Progress progress;
  const TimePoint start = call.clock.now();
  Result<BackupReport> report = [&] {
    const ProgressDisplay display(call.printer, Activity::Backup, progress);
    return repo.repository->backup(request, progress, call.stop());
  }();
  const std::uint64_t failed = progress.problems.count() + paths.missing.size();
  for (const repository::Problem& problem : progress.problems.take())
    call.printer.problem(problem, "archival");
  if (!report) return std::move(report).error();
  const TimePoint end = call.clock.now();
  if (call.printer.json()) {
    call.printer.document(to_json(*report, request.dry_run, start, end));
  } else {
    print_text(*report, request.dry_run, end - start, call.printer);
  }
  if (failed == 0) return kExitOk;
  call.printer.error("Warning: at least one source file could not be read");
  return kExitIncomplete;
}

std::vector<FlagSpec> backup_flags() {
  std::vector<FlagSpec> flags = source_flags();
  const std::vector<FlagSpec> more = {
      {.name = "host",
       .usage = "The snapshot's host name (default: $RESTIC_HOST, or this machine's)",
       .shorthand = "H",
       .type_name = "hostname"},
      {.name = "tag",
       .kind = FlagKind::Texts,
       .usage = "Tags of the snapshot, tag[,tag...] (again: more)",
       .type_name = "tags"},
      {.name = "time",
       .usage = "The snapshot's time, like '2012-11-01 22:08:41'",
       .type_name = "time"},
      {.name = "parent",
       .usage = "Compare with this snapshot (default: the newest of this host and paths)",
       .type_name = "snapshot"},
      {.name = "force",
       .kind = FlagKind::Bool,
       .usage = "Compare with none: read all files",
       .shorthand = "f"},
      {.name = "stdin", .kind = FlagKind::Bool, .usage = "Save what comes from standard input"},
      {.name = "stdin-filename",
       .usage = "As a file of this name",
       .value = "stdin",
       .type_name = "filename"},
      {.name = "stdin-from-command",
       .kind = FlagKind::Bool,
       .usage = "Run the arguments as a command and save what it prints"},
      {.name = "with-atime", .kind = FlagKind::Bool, .usage = "Keep access times"},
      {.name = "with-xattrs",
       .kind = FlagKind::Bool,
       .usage =
           "Keep extended attributes and ACLs in a kopia repository (restic's always have them)"},
      {.name = "ignore-inode",
       .kind = FlagKind::Bool,
       .usage = "Compare without inode and ctime (default: $RESTIC_IGNORE_INODE)"},
      {.name = "ignore-ctime",
       .kind = FlagKind::Bool,
       .usage = "Compare without ctime (default: $RESTIC_IGNORE_CTIME)"},
      {.name = "skip-if-unchanged",
       .kind = FlagKind::Bool,
       .usage = "Make no snapshot if nothing has changed"},
      {.name = "no-scan", .kind = FlagKind::Bool, .usage = "Taken and ignored", .hidden = true},
      {.name = "dry-run",
       .kind = FlagKind::Bool,
       .usage = "Write nothing, only say what would be",
       .shorthand = "n"}};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

}  // namespace

Command backup_command() {
  return {.name = "backup",
          .usage = "[FILE/DIR...]",
          .summary = "Make a snapshot of files and directories",
          .flags = with_repo_flags(backup_flags()),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
