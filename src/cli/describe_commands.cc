#include <memory>

#include "base/environment.h"
#include "cli/client_config.h"
#include "cli/describe.h"
#include "cli/downloads.h"
#include "cli/get.h"
#include "cli/session.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

// What a person says with --colorized holds, on a terminal or not; else the config file's word, and
// nothing in colours that no eye will see.
bool wants_colors(const Invocation& call, const model::StringMap& config) {
  if (call.flags.given("colorized")) return call.flags.is("colorized");
  if (const auto at = config.find("colorized"); at != config.end() && at->second == "false")
    return false;
  if (const auto no_color = env("NO_COLOR"); no_color && !no_color->empty()) return false;
  return call.console.is_terminal();
}

// One call of describe, opened.
struct Description {
  Session session;
  DescribeStyle style;
  DownloadOptions downloads;
};

Result<Description> open_description(Invocation& call) {
  const model::StringMap config = TRY(read_client_config());
  DownloadOptions downloads = TRY(download_options(call.flags));
  if (const auto at = config.find("cacert"); at != config.end() && downloads.ca_file.empty())
    downloads.ca_file = at->second;
  return Description{.session = TRY(open_session(call)),
                     .style = {.details = call.flags.is("details"),
                               .colors = wants_colors(call, config),
                               .program = call.program,
                               .zone = Zone::local()},
                     .downloads = downloads};
}

// Asks the server for one document after the other. When it has let one wait until the end of its
// time, the next ones are not asked for: nobody is there.
DocumentSource documents_of(const Description& description,
                            const std::string& name,
                            std::stop_token stop) {
  auto gave_up = std::make_shared<std::optional<Error>>();
  return [&description, name, stop, gave_up](model::DownloadTargetKind kind) -> Result<Bytes> {
    if (*gave_up) return **gave_up;
    auto document = download(description.session, kind, name, description.downloads, stop);
    if (!document && document.error().is(Code::DeadlineExceeded)) *gave_up = document.error();
    return document;
  };
}

// What the cluster has about an object besides it. Without it, the rest is described all the same.
template <typename T>
std::vector<T> related(const Session& session,
                       const std::string& selector,
                       std::string_view what,
                       Invocation& call) {
  auto objects = session.cluster.list<T>(selector, call.stop);
  if (objects) return std::move(*objects);
  call.console.err(fmt::format("error getting {}: {}\n", what, objects.error().message()));
  return {};
}

// One that was not run has no documents: asking would only wait for a server, which may be why.
Result<Bytes> no_document(model::DownloadTargetKind) {
  return Error(Code::NotFound, "file not found");
}

bool was_run(model::BackupPhase phase) {
  return !model::is_new(phase) && phase != model::BackupPhase::Queued &&
         phase != model::BackupPhase::ReadyToStart && phase != model::BackupPhase::FailedValidation;
}

bool was_run(model::RestorePhase phase) {
  return !model::is_new(phase) && phase != model::RestorePhase::FailedValidation;
}

DescribedBackup gather(const model::Backup& backup,
                       const Description& description,
                       Invocation& call) {
  const std::string by_name =
      fmt::format("{}={}", model::labels::kBackupName, model::valid_name(backup.metadata.name));
  const std::string by_uid =
      fmt::format("{},{}={}", by_name, model::labels::kBackupUid, backup.metadata.uid);
  const std::string of = fmt::format("for backup {}", backup.metadata.name);
  return {.backup = backup,
          .deletions = related<model::DeleteBackupRequest>(description.session, by_uid,
                                                           "DeleteBackupRequests " + of, call),
          .pod_volumes = related<model::PodVolumeBackup>(description.session, by_name,
                                                         "PodVolumeBackups " + of, call),
          .document = was_run(backup.status.phase.value())
                          ? documents_of(description, backup.metadata.name, call.stop)
                          : no_document};
}

DescribedRestore gather(const model::Restore& restore,
                        const Description& description,
                        Invocation& call) {
  const std::string by_name =
      fmt::format("{}={}", model::labels::kRestoreName, model::valid_name(restore.metadata.name));
  return {.restore = restore,
          .pod_volumes = related<model::PodVolumeRestore>(
              description.session, by_name,
              fmt::format("PodVolumeRestores for restore {}", restore.metadata.name), call),
          .document = was_run(restore.status.phase.value())
                          ? documents_of(description, restore.metadata.name, call.stop)
                          : no_document};
}

// Prints each as it is described, two empty lines between.
template <typename T, typename Render>
int describe_each(const std::vector<T>& objects, Invocation& call, Render render) {
  bool first = true;
  for (const T& object : objects) {
    call.console.out((first ? "" : "\n\n") + render(object));
    first = false;
  }
  return 0;
}

// One object by itself, as Velero prints a backup; several as {"items": […]}.
template <typename T, typename Render>
Result<int> print_each_json(const std::vector<T>& objects, Invocation& call, Render render) {
  if (objects.size() == 1) {
    call.console.out(render(objects.front()));
    return 0;
  }
  JsonArray items;
  for (const T& object : objects) {
    const std::string text = render(object);
    items.push_back(TRY(parse_json(text)));
  }
  const Json list = JsonObject{{"items", std::move(items)}};
  call.console.out(write_json_pretty(list) + "\n");
  return 0;
}

Result<bool> wants_json(const Invocation& call) {
  const std::string format = call.flags.text("output");
  if (format == "json") return true;
  if (format == "plaintext") return false;
  return Error(Code::InvalidArgument,
               "invalid output format '{}'. valid value are 'plaintext, json'", format);
}

}  // namespace

std::vector<FlagSpec> describe_flags() {
  std::vector<FlagSpec> flags = describe_schedule_flags();
  flags.push_back({.name = "details",
                   .kind = FlagKind::Bool,
                   .usage = "Display additional detail in the command output."});
  const std::vector<FlagSpec> transport = transport_flags();
  flags.insert(flags.end(), transport.begin(), transport.end());
  return flags;
}

std::vector<FlagSpec> describe_schedule_flags() {
  return {{.name = "selector",
           .kind = FlagKind::Selector,
           .usage = "Only show items matching this label selector.",
           .shorthand = "l",
           .type_name = "string"},
          {.name = "output",
           .usage = "Output display format. Valid formats are 'plaintext, json'",
           .value = "plaintext",
           .shorthand = "o",
           .words = {"plaintext", "json"}}};
}

Result<int> describe_backups(Invocation& call) {
  const bool json = TRY(wants_json(call));
  const Description description = TRY(open_description(call));
  const auto backups = TRY(read_objects<model::Backup>(description.session, call));
  // Of several Velero prints the text, silently.
  if (json && (backups.size() == 1 || !call.is_velero())) {
    return print_each_json(backups, call, [&](const model::Backup& backup) {
      return describe_backup_json(gather(backup, description, call), description.style);
    });
  }
  return describe_each(backups, call, [&](const model::Backup& backup) {
    return describe_backup(gather(backup, description, call), description.style);
  });
}

Result<int> describe_restores(Invocation& call) {
  const bool json = TRY(wants_json(call));
  const Description description = TRY(open_description(call));
  const auto restores = TRY(read_objects<model::Restore>(description.session, call));
  if (json) {
    return print_each_json(restores, call, [&](const model::Restore& restore) {
      return describe_restore_json(gather(restore, description, call), description.style);
    });
  }
  return describe_each(restores, call, [&](const model::Restore& restore) {
    return describe_restore(gather(restore, description, call), description.style);
  });
}

Result<int> describe_schedules(Invocation& call) {
  const bool json = TRY(wants_json(call));
  const Description description = TRY(open_description(call));
  const auto schedules = TRY(read_objects<model::Schedule>(description.session, call));
  if (json) {
    return print_each_json(schedules, call, [](const model::Schedule& schedule) {
      return write_json_pretty(model::to_json(schedule)) + "\n";
    });
  }
  return describe_each(schedules, call, [&](const model::Schedule& schedule) {
    return describe_schedule(schedule, description.style);
  });
}

}  // namespace lateen::cli
