#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/time.h"
#include "cli/backup_cat.h"
#include "cli/backup_preview.h"
#include "cli/backup_spec_flags.h"
#include "cli/cancel.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/describe.h"
#include "cli/downloads.h"
#include "cli/get.h"
#include "cli/wait.h"
#include "model/backup.h"
#include "model/include_exclude.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/requests.h"
#include "model/schedule.h"
#include "server/schedule_controller.h"

namespace lateen::cli {
namespace {

using model::Backup;

Result<Backup> from_schedule(const Session& session,
                             const std::string& schedule_name,
                             Invocation& call) {
  const auto schedule = TRY(get_named<model::Schedule>(session, schedule_name, call));
  if (!call.flags.given("output") && !call.flags.is("dry-run"))
    call.console.line("Creating backup from schedule, all other filters are ignored.");
  Backup backup = server::backup_of(schedule, call.clock.now());
  backup.metadata.annotations.clear();
  return backup;
}

Result<Backup> requested_backup(const Session& session, Invocation& call) {
  Backup backup;
  const std::string schedule = call.flags.text("from-schedule");
  if (call.flags.given("from-schedule") && schedule.empty()) {
    return Error(Code::InvalidArgument, "flag must have a non-empty value: --from-schedule");
  }
  if (call.args.empty() && schedule.empty()) {
    return Error(Code::InvalidArgument,
                 "a backup name is required, unless you are creating based on a schedule");
  }
  if (schedule.empty()) {
    backup.spec = TRY(backup_spec_from(call.flags));
  } else {
    backup = TRY(from_schedule(session, schedule, call));
  }
  if (!call.args.empty()) backup.metadata.name = call.args.front();
  backup.metadata.ns = session.ns();
  for (const auto& [key, value] : call.flags.map("labels"))
    backup.metadata.labels[key] = value;
  for (const auto& [key, value] : call.flags.map("annotations"))
    backup.metadata.annotations[key] = value;
  return backup;
}

Status check_locations(const Session& session,
                       const model::BackupSpec& spec,
                       const Invocation& call) {
  if (!spec.storage_location.empty()) {
    TRY(get_named<model::BackupStorageLocation>(session, spec.storage_location, call));
  }
  for (const std::string& name : spec.volume_snapshot_locations) {
    TRY(get_named<model::VolumeSnapshotLocation>(session, name, call));
  }
  return {};
}

// What a server with other flags would fill in, this side cannot know.
server::ServerConfig server_defaults(const Session& session) {
  server::ServerConfig config;
  config.ns = session.ns();
  return config;
}

Result<int> create_backup(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  const Session session = TRY(open_session(call));
  const Backup backup = TRY(requested_backup(session, call));
  const model::StringList wrong = model::validate_includes_excludes(
      backup.spec.included_namespaces, backup.spec.excluded_namespaces);
  if (!wrong.empty()) return Error(Code::InvalidArgument, "{}", wrong.front());
  if (call.flags.is("dry-run")) {
    const server::BackupPreview preview = TRY(server::preview_backup(
        backup, session.cluster, server_defaults(session), call.clock, call.stop));
    call.console.out(print_preview(preview, format));
    return 0;
  }
  TRY(check_locations(session, backup.spec, call));
  if (format != OutputFormat::None) {
    print_one(backup, format, call);
    return 0;
  }
  TRY(session.cluster.create(backup, call.stop));
  const std::string& name = backup.metadata.name;
  call.console.line(fmt::format("Backup request \"{}\" submitted successfully.", name));
  if (call.flags.is("wait")) return wait_for_backup(session, name, call);
  call.console.line(
      fmt::format("Run `{} backup describe {}` or `{} backup logs {}` for more details.",
                  call.program, name, call.program, name));
  return 0;
}

Result<int> backup_logs(Invocation& call) {
  const DownloadOptions options = TRY(download_options(call.flags));
  const Session session = TRY(open_session(call));
  const std::string& name = call.args.front();
  auto backup = get_named<Backup>(session, name, call);
  if (!backup) {
    if (backup.error().is(Code::NotFound))
      return Error(Code::NotFound, "backup \"{}\" does not exist", name)
          .with_hint(backup.error().hint());
    return std::move(backup).error();
  }
  const model::BackupPhase phase = backup->status.phase.value();
  const bool has_log = model::is_restorable(phase) || phase == model::BackupPhase::Failed ||
                       phase == model::BackupPhase::WaitingForPluginOperations ||
                       phase == model::BackupPhase::WaitingForPluginOperationsPartiallyFailed;
  if (!has_log) {
    return Error(Code::Unavailable,
                 "logs for backup \"{}\" are not available until it's finished processing, please "
                 "wait until the "
                 "backup has a phase of Completed or Failed and try again",
                 name);
  }
  call.console.out(
      TRY(download(session, model::DownloadTargetKind::BackupLog, name, options, call.stop)));
  return 0;
}

Result<int> download_contents(Invocation& call) {
  const DownloadOptions options = TRY(download_options(call.flags));
  const Session session = TRY(open_session(call));
  const std::string& name = call.args.front();
  TRY(get_named<Backup>(session, name, call));
  std::string path = call.flags.text("output");
  if (path.empty()) path = fmt::format("./{}-data.tar.gz", name);
  const bool force = call.flags.is("force");
  const UniqueFd file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0600));
  if (!file) {
    return errno_error(errno, "creating " + path)
        .with_hint("Use --force to overwrite a file that is there.");
  }
  const Status done = download_to(file.get(), session, model::DownloadTargetKind::BackupContents,
                                  name, options, call.stop);
  if (!done) {
    (void)remove_file(
        path);  // half a file is worse than none; the error that matters is the other one
    return done.error();
  }
  call.console.line(fmt::format("Backup {} has been successfully downloaded to {}", name, path));
  return 0;
}

Status request_deletion(const Session& session, const Backup& backup, Invocation& call) {
  model::DeleteBackupRequest request;
  request.metadata.ns = session.ns();
  request.metadata.generate_name = backup.metadata.name + "-";
  request.metadata.labels[std::string(model::labels::kBackupName)] =
      model::valid_name(backup.metadata.name);
  request.metadata.labels[std::string(model::labels::kBackupUid)] = backup.metadata.uid;
  request.spec.backup_name = backup.metadata.name;
  TRY(session.cluster.create(request, call.stop));
  if (is_silent(call)) return {};
  call.console.line(
      fmt::format("Request to delete backup \"{}\" submitted successfully.", backup.metadata.name));
  call.console.line(
      "The backup will be fully deleted after all associated data (disk snapshots, backup files, "
      "restores) are removed.");
  return {};
}

Result<int> remove_backups(Invocation& call) {
  TRY(check_selection(call, "backup"));
  const Session session = TRY(open_session(call));
  const auto chosen = TRY(choose_objects<Backup>(session, call, call.args));
  Removal removal = removal_of(chosen);
  if (removal.names.empty()) return report_none(removal, "backups", "deleted", call);
  if (!shall_remove(removal.names, "backups", call)) return report_kept(removal, "deleted", call);
  removal.names.clear();
  for (const Backup& backup : chosen.objects) {
    const Status asked = request_deletion(session, backup, call);
    if (asked) {
      removal.names.push_back(backup.metadata.name);
    } else {
      removal.problems.push_back(asked.error().message());
    }
  }
  return report_removal(removal, "deleted", call);
}

std::vector<FlagSpec> backup_flags() {
  std::vector<FlagSpec> flags = backup_spec_flags();
  const std::vector<FlagSpec> output = output_flags("");
  flags.insert(flags.end(), output.begin(), output.end());
  flags.push_back({.name = "from-schedule",
                   .usage = "Create a backup from the template of an existing schedule. Cannot be "
                            "used with any other filters. Backup name is optional if used.",
                   .names = "schedule"});
  flags.push_back({.name = "dry-run",
                   .kind = FlagKind::Bool,
                   .usage = "Print what the backup would hold, how each volume would be saved and "
                            "what would not be covered, and create nothing. With -o as a table, "
                            "json or yaml."});
  const std::vector<FlagSpec> wait = wait_flags();
  flags.insert(flags.end(), wait.begin(), wait.end());
  return flags;
}

}  // namespace

Command backup_commands() {
  std::vector<FlagSpec> download = download_flags("1m0s");
  download.push_back(
      {.name = "output",
       .usage = "Path to output file. Defaults to <NAME>-data.tar.gz in the current directory.",
       .shorthand = "o",
       .names = "file"});
  download.push_back(
      {.name = "force",
       .kind = FlagKind::Bool,
       .usage = "Forces the download and will overwrite file if it exists already."});
  return {.name = "backup",
          .usage = "",
          .summary = "Work with backups",
          .children = {{.name = "create",
                        .usage = "NAME",
                        .summary = "Create a backup",
                        .flags = backup_flags(),
                        .run = create_backup,
                        .max_args = 1},
                       {.name = "get",
                        .usage = "[NAME...]",
                        .summary = "Get backups",
                        .flags = get_flags(),
                        .run = run_get<Backup>},
                       {.name = "describe",
                        .usage = "[NAME1] [NAME2] [NAME...]",
                        .summary = "Describe backups",
                        .flags = describe_flags(),
                        .run = describe_backups},
                       {.name = "logs",
                        .usage = "BACKUP",
                        .summary = "Get backup logs",
                        .flags = download_flags("1m0s"),
                        .run = with_one_name(backup_logs)},
                       {.name = "download",
                        .usage = "NAME",
                        .summary = "Download all Kubernetes manifests for a backup",
                        .flags = download,
                        .run = with_one_name(download_contents)},
                       backup_cat_command(),
                       {.name = "delete",
                        .usage = "[NAMES]",
                        .summary = "Delete backups",
                        .flags = delete_flags("backups"),
                        .run = remove_backups},
                       cancel_command<Backup>("backup")},
          .aliases = {"backups"}};
}

}  // namespace lateen::cli
