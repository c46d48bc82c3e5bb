#include "cli/repo/fuse_mount.h"
#include "cli/repo/fuse_server.h"
#include "cli/repo/mount_tree.h"
#include "cli/repo/repo_commands.h"
#include "cli/repo/selection.h"
#include "cli/repo/session.h"

namespace lateen::cli::repo {
namespace {

constexpr std::size_t kThreads = 4;

// From several threads, and each error once in a while only: a program that reads on gets many.
class Complaints {
 public:
  explicit Complaints(const Printer& printer) : printer_(printer) {}

  void add(const Error& error) {
    constexpr std::size_t kMost = 100;
    Lock lock(mu_);
    if (++count_ > kMost) return;
    printer_.error("error: " + error.message());
    if (count_ == kMost) printer_.error("more errors are not said");
  }

 private:
  const Printer& printer_;
  Mutex mu_;
  std::size_t count_ LATEEN_GUARDED_BY(mu_) = 0;
};

Result<int> run(RepoCall& call) {
  const Flags& flags = call.flags();
  if (call.call.args.size() != 1) {
    return Error(Code::InvalidArgument, "one mount point must be named, not {}",
                 call.call.args.size());
  }
  MountTemplates templates;
  if (flags.given("path-template")) templates.paths = flags.texts("path-template");
  if (flags.given("time-template")) templates.time = flags.text("time-template");
  const OpenRepo repo = TRY(open_repo(call, Access::Read));
  const SnapshotList list = TRY(list_snapshots(call, repo));
  auto selected = TRY(select_snapshots(list.snapshots, {}, read_filter(flags)));
  TRY(need_some_contents(call, repo));
  MountEntry layout = lay_out_snapshots(selected, templates);
  MountTree tree(*repo.repository, std::move(selected), std::move(layout),
                 {.owner_root = flags.is("owner-root")});
  Complaints complaints(call.printer);
  FuseServer server(tree, [&complaints](const Error& error) { complaints.add(error); });
  const FilePath path = std::filesystem::absolute(call.call.args.front());
  FuseMount mount =
      TRY(FuseMount::create(path,
                            {.allow_other = flags.is("allow-other"),
                             .default_permissions = !flags.is("no-default-permissions")},
                            call.stop()));
  call.printer.note(fmt::format("Now serving the repository at {}", path.string()));
  call.printer.note("Use another terminal or tool to browse the contents of this folder.");
  call.printer.note("When finished, quit with Ctrl-c here or umount the mountpoint.");
  if (TRY(server.serve(mount.fd(), kThreads, call.stop()))) mount.forget();
  return list.complete ? kExitOk : kExitIncomplete;
}

}  // namespace

Command mount_command() {
  std::vector<FlagSpec> flags = filter_flags();
  const std::vector<FlagSpec> more = {
      {.name = "allow-other", .kind = FlagKind::Bool, .usage = "Let other users read it as well"},
      {.name = "no-default-permissions",
       .kind = FlagKind::Bool,
       .usage = "With --allow-other: whatever the files' own permissions say"},
      {.name = "owner-root", .kind = FlagKind::Bool, .usage = "Everything belongs to root"},
      {.name = "path-template",
       .kind = FlagKind::Texts,
       .usage =
           "Where snapshots stand: %i %I the ID, %T time, %h host, %u user, %t tags (again: and "
           "there)",
       .type_name = "template"},
      {.name = "time-template",
       .usage = "How times are written (default: 2006-01-02T15:04:05Z07:00)",
       .type_name = "template"}};
  flags.insert(flags.end(), more.begin(), more.end());
  return {.name = "mount",
          .usage = "MOUNTPOINT",
          .summary = "Show the repository's snapshots as files, read-only",
          .flags = with_repo_flags(std::move(flags)),
          .run = repo_handler(run)};
}

}  // namespace lateen::cli::repo
