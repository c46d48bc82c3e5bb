#include <algorithm>

#include "base/time.h"
#include "cli/cancel.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/confirm.h"
#include "cli/describe.h"
#include "cli/downloads.h"
#include "cli/get.h"
#include "cli/restore_preview.h"
#include "cli/wait.h"
#include "model/backup.h"
#include "model/named_object.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/restore.h"
#include "server/restore_preparation.h"

namespace lateen::cli {
namespace {

using model::Restore;

std::vector<FlagSpec> restore_flags() {
  using enum FlagKind;
  std::vector<FlagSpec> flags = {
      {.name = "from-backup", .usage = "Backup to restore from", .names = "backup"},
      {.name = "from-schedule", .usage = "Schedule to restore from", .names = "schedule"},
      {.name = "allow-partially-failed",
       .kind = OptionalBool,
       .usage =
           "If using --from-schedule, whether to consider PartiallyFailed backups when looking for "
           "the most recent one. This flag has no effect if not using --from-schedule."},
      {.name = "include-namespaces",
       .kind = List,
       .usage = "Namespaces to include in the restore (use '*' for all namespaces)",
       .value = "*"},
      {.name = "exclude-namespaces",
       .kind = List,
       .usage = "Namespaces to exclude from the restore."},
      {.name = "include-resources",
       .kind = List,
       .usage = "Resources to include in the restore, formatted as resource.group, such as "
                "storageclasses.storage.k8s.io (use '*' for all resources)."},
      {.name = "exclude-resources",
       .kind = List,
       .usage = "Resources to exclude from the restore, formatted as resource.group, such as "
                "storageclasses.storage.k8s.io."},
      {.name = "include-cluster-resources",
       .kind = OptionalBool,
       .usage = "Include cluster-scoped resources in the restore."},
      {.name = "include-object",
       .kind = ListAppend,
       .usage =
           "Restore this object alone, as RESOURCE/NAMESPACE/NAME (or RESOURCE/NAME when it is "
           "of no namespace); may be repeated. Only what it needs is read from the backup."},
      {.name = "namespace-mappings",
       .kind = Mappings,
       .usage = "Namespace mappings from name in the backup to desired restored name in the form "
                "src1:dst1,src2:dst2,..."},
      {.name = "selector",
       .kind = Selector,
       .usage = "Only restore resources matching this label selector.",
       .shorthand = "l"},
      {.name = "or-selector",
       .kind = OrSelector,
       .usage = "Restore resources matching at least one of the label selector from the list. "
                "Label selectors should be separated by ' or '. For example, foo=bar or app=nginx"},
      {.name = "restore-volumes",
       .kind = OptionalBool,
       .usage = "Whether to restore volumes from snapshots."},
      {.name = "preserve-nodeports",
       .kind = OptionalBool,
       .usage = "Whether to preserve nodeports of Services when restoring."},
      {.name = "existing-resource-policy",
       .usage =
           "Restore Policy to be used during the restore workflow, can be - none or update (or "
           "recreate or apply, which only Lateen's server knows)",
       .words = {"none", "update", "recreate", "apply"}},
      {.name = "status-include-resources",
       .kind = List,
       .usage = "Resources to include in the restore status, formatted as resource.group, such as "
                "storageclasses.storage.k8s.io."},
      {.name = "status-exclude-resources",
       .kind = List,
       .usage = "Resources to exclude from the restore status, formatted as resource.group, such "
                "as storageclasses.storage.k8s.io."},
      {.name = "resource-modifier-configmap",
       .usage = "Reference to the resource modifier configmap that restore will use"},
      {.name = "item-operation-timeout",
       .kind = Duration,
       .usage = "How long to wait for async plugin operations before timeout.",
       .value = "0s"},
      {.name = "write-sparse-files",
       .kind = OptionalBool,
       .usage = "Whether to write sparse files during restoring volumes"},
      {.name = "parallel-files-download",
       .kind = Int,
       .usage =
           "The number of restore operations to run in parallel. If set to 0, the default "
           "parallelism will be the number of CPUs for the node that node agent pod is running.",
       .value = "0"},
      {.name = "labels", .kind = Map, .usage = "Labels to apply to the restore."},
      {.name = "annotations", .kind = Map, .usage = "Annotations to apply to the restore."},
      {.name = "dry-run",
       .kind = Bool,
       .usage =
           "Show what would be created and changed, object by object, and do nothing. Exit code "
           "0: nothing to do, 1: changes, 2: something would go wrong."}};
  for (const std::vector<FlagSpec>& more : {output_flags(""), wait_flags()})
    flags.insert(flags.end(), more.begin(), more.end());
  name_filters(flags, true);
  return flags;
}

Result<model::RestoreSpec> spec_from(const Flags& flags) {
  model::RestoreSpec spec;
  spec.backup_name = flags.text("from-backup");
  spec.schedule_name = flags.text("from-schedule");
  spec.included_namespaces = flags.list("include-namespaces");
  spec.excluded_namespaces = flags.list("exclude-namespaces");
  spec.included_resources = flags.list("include-resources");
  spec.excluded_resources = flags.list("exclude-resources");
  spec.include_cluster_resources = flags.tristate("include-cluster-resources");
  spec.namespace_mapping = flags.map("namespace-mappings");
  spec.label_selector = flags.selector("selector");
  spec.or_label_selectors = flags.selectors("or-selector");
  spec.restore_pvs = flags.tristate("restore-volumes");
  spec.preserve_node_ports = flags.tristate("preserve-nodeports");
  spec.item_operation_timeout = flags.duration("item-operation-timeout");
  spec.existing_resource_policy =
      model::OpenEnum<model::ExistingResourcePolicy>::parse(flags.text("existing-resource-policy"));
  if (const auto included = flags.list("status-include-resources"); !included.empty()) {
    model::RestoreStatusSpec status;
    status.included_resources = included;
    status.excluded_resources = flags.list("status-exclude-resources");
    spec.restore_status = status;
  }
  if (const std::string modifier = flags.text("resource-modifier-configmap"); !modifier.empty()) {
    model::TypedLocalObjectReference reference;
    reference.api_group = "";
    reference.kind = "configmap";
    reference.name = modifier;
    spec.resource_modifier = reference;
  }
  model::UploaderConfigForRestore uploader;
  uploader.write_sparse_files = flags.tristate("write-sparse-files");
  uploader.parallel_files_download = flags.integer("parallel-files-download");
  spec.uploader_config = uploader;
  return spec;
}

Status check(const model::RestoreSpec& spec) {
  if (spec.backup_name.empty() == spec.schedule_name.empty()) {
    return Error(Code::InvalidArgument,
                 "either a backup or schedule must be specified, but not both");
  }
  if (spec.label_selector && !spec.or_label_selectors.empty()) {
    return Error(Code::InvalidArgument,
                 "either a 'selector' or an 'or-selector' can be specified, but not both");
  }
  if (spec.existing_resource_policy == model::ExistingResourcePolicy::Unknown) {
    return Error(
        Code::InvalidArgument,
        "existing-resource-policy has invalid value, it accepts only none, update, recreate, apply "
        "as value");
  }
  if (spec.uploader_config && spec.uploader_config->parallel_files_download < 0) {
    return Error(Code::InvalidArgument, "parallel-files-download cannot be negative");
  }
  return {};
}

// With --allow-partially-failed the client chooses the backup: the server takes only Completed
// ones.
Status choose_backup(const Session& session, Restore& restore, Invocation& call) {
  model::RestoreSpec& spec = restore.spec;
  if (spec.schedule_name.empty()) {
    TRY(get_named<model::Backup>(session, spec.backup_name, call));
    return {};
  }
  const auto backups = TRY(session.cluster.list<model::Backup>(
      fmt::format("{}={}", model::labels::kScheduleName, spec.schedule_name), call.stop));
  if (backups.empty()) {
    return Error(Code::NotFound, "No backups found for the schedule {}", spec.schedule_name);
  }
  if (call.flags.tristate("allow-partially-failed") != true) return {};
  const model::Backup* newest = nullptr;
  for (const model::Backup& backup : backups) {
    if (!model::is_restorable(backup.status.phase.value())) continue;
    if (newest == nullptr || backup.status.start_timestamp > newest->status.start_timestamp)
      newest = &backup;
  }
  if (newest == nullptr) {
    return Error(Code::NotFound,
                 "No completed or partially failed backups found for the schedule {}",
                 spec.schedule_name);
  }
  spec.backup_name = newest->metadata.name;
  spec.schedule_name.clear();
  return {};
}

// The server reads them from an annotation: Velero's schema has no field for them.
Status include_objects(Restore& restore, const Flags& flags) {
  const std::vector<std::string> objects = flags.list("include-object");
  if (objects.empty()) return {};
  for (const std::string& object : objects)
    TRY(model::NamedObject::parse(object).wrap("flag --include-object"));
  restore.metadata.annotations[std::string(model::annotations::kIncludeObjects)] =
      fmt::format("{}", fmt::join(objects, ","));
  return {};
}

Result<model::RestoreSpec> checked_spec(const Flags& flags, const std::string& backup = {}) {
  model::RestoreSpec spec = TRY(spec_from(flags));
  if (!backup.empty()) spec.backup_name = backup;
  TRY(check(spec));
  return spec;
}

// What the flags ask for; named after its source and the time if `name` is empty.
Result<Restore> requested_restore(const Session& session,
                                  model::RestoreSpec spec,
                                  const std::string& name,
                                  Invocation& call) {
  Restore restore;
  restore.spec = std::move(spec);
  const std::string& source =
      restore.spec.backup_name.empty() ? restore.spec.schedule_name : restore.spec.backup_name;
  restore.metadata.ns = session.ns();
  restore.metadata.name =
      name.empty() ? fmt::format("{}-{}", source, format_timestamp_suffix(call.clock.now())) : name;
  restore.metadata.labels = call.flags.map("labels");
  restore.metadata.annotations = call.flags.map("annotations");
  TRY(include_objects(restore, call.flags));
  TRY(choose_backup(session, restore, call));
  return restore;
}

// A plan needs the backup that the server would choose: the newest Completed one.
Status choose_of_schedule(const Session& session, Restore& restore, Invocation& call) {
  model::RestoreSpec& spec = restore.spec;
  if (spec.schedule_name.empty()) return {};
  spec.backup_name =
      TRY(server::newest_of_schedule(spec.schedule_name, session.cluster, call.stop));
  spec.schedule_name.clear();
  return {};
}

Result<int> show_plan(Invocation& call, const std::string& name, const std::string& backup) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  model::RestoreSpec spec = TRY(checked_spec(call.flags, backup));
  const Session session = TRY(open_session(call));
  Restore restore = TRY(requested_restore(session, std::move(spec), name, call));
  TRY(choose_of_schedule(session, restore, call));
  restore.spec.included_objects = model::included_objects_of(restore.metadata.annotations);
  DownloadOptions downloading;
  downloading.timeout = std::chrono::minutes(5);
  const restore::RestorePreview preview =
      TRY(make_restore_preview(restore, session, downloading, call));
  call.console.out(print_restore_preview(restore, preview, format));
  return exit_code_of(preview);
}

// Exit code 1 says that there is something to do: what goes wrong is 2.
int with_own_code(Result<int> code, Invocation& call) {
  if (code) return *code;
  call.console.err(fmt::format("An error occurred: {}\n", code.error().message()));
  if (!code.error().hint().empty()) call.console.err(fmt::format("  {}\n", code.error().hint()));
  return 2;
}

std::string argument_of(const Invocation& call) {
  return call.args.empty() ? std::string() : call.args.front();
}

Result<int> plan(Invocation& call) {
  return with_own_code(show_plan(call, {}, argument_of(call)), call);
}

Result<int> create_restore(Invocation& call) {
  if (call.flags.is("dry-run")) {
    return with_own_code(show_plan(call, argument_of(call), {}), call);
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  model::RestoreSpec spec = TRY(checked_spec(call.flags));
  const Session session = TRY(open_session(call));
  const Restore restore = TRY(requested_restore(session, std::move(spec), argument_of(call), call));
  if (format != OutputFormat::None) {
    print_one(restore, format, call);
    return 0;
  }
  TRY(session.cluster.create(restore, call.stop));
  const std::string& name = restore.metadata.name;
  call.console.line(fmt::format("Restore request \"{}\" submitted successfully.", name));
  if (call.flags.is("wait")) return wait_for_restore(session, name, call);
  call.console.line(
      fmt::format("Run `{} restore describe {}` or `{} restore logs {}` for more details.",
                  call.program, name, call.program, name));
  return 0;
}

Result<int> restore_logs(Invocation& call) {
  const DownloadOptions options = TRY(download_options(call.flags));
  const Session session = TRY(open_session(call));
  const std::string& name = call.args.front();
  auto restore = get_named<Restore>(session, name, call);
  if (!restore) {
    if (restore.error().is(Code::NotFound))
      return Error(Code::NotFound, "Restore \"{}\" does not exist.", name)
          .with_hint(restore.error().hint());
    return std::move(restore).error();
  }
  const model::RestorePhase phase = restore->status.phase.value();
  if (phase != model::RestorePhase::Completed && phase != model::RestorePhase::PartiallyFailed &&
      phase != model::RestorePhase::Failed) {
    return Error(Code::Unavailable,
                 "Logs for restore \"{}\" are not available until it's finished processing. Please "
                 "wait until the "
                 "restore has a phase of Completed or Failed and try again.",
                 name);
  }
  call.console.out(
      TRY(download(session, model::DownloadTargetKind::RestoreLog, name, options, call.stop)));
  return 0;
}

Result<int> remove_restores(Invocation& call) {
  TRY(check_selection(call, "restore"));
  const Session session = TRY(open_session(call));
  const auto chosen = TRY(choose_objects<Restore>(session, call, call.args));
  Removal removal = removal_of(chosen);
  // One name that is not there, and nothing is deleted: as in Velero.
  if (!removal.problems.empty()) {
    removal.names.clear();
    if (!is_silent(call))
      call.console.line(fmt::format("errs:  [{}]", fmt::join(removal.problems, " ")));
    return report_removal(removal, "deleted", call);
  }
  if (removal.names.empty()) return report_none(removal, "restores", "deleted", call);
  if (!shall_remove(removal.names, "restores", call)) return report_kept(removal, "deleted", call);
  for (const Restore& restore : chosen.objects) {
    TRY(session.cluster.remove<Restore>(restore.metadata.name, call.stop));
    if (is_silent(call)) continue;
    call.console.line(fmt::format("Request to delete restore \"{}\" submitted successfully.",
                                  restore.metadata.name));
    call.console.line(
        "The restore will be fully deleted after all associated data (restore files in object "
        "storage) are removed.");
  }
  return report_removal(removal, "deleted", call);
}

}  // namespace

Command restore_commands() {
  return {
      .name = "restore",
      .usage = "",
      .summary = "Work with restores",
      .children =
          {{.name = "create",
            .usage = "[RESTORE_NAME] [--from-backup BACKUP_NAME | --from-schedule SCHEDULE_NAME]",
            .summary = "Create a restore",
            .flags = restore_flags(),
            .run = create_restore,
            .max_args = 1},
           {.name = "plan",
            .usage = "[BACKUP_NAME | --from-schedule SCHEDULE_NAME]",
            .summary = "Show what a restore would do to this cluster",
            .flags = restore_flags(),
            .run = plan,
            .text = "Show what a restore would do to this cluster, object by object, and do "
                    "nothing.\n\nExit code 0: nothing to do, 1: changes, 2: something would go "
                    "wrong.",
            .max_args = 1},
           {.name = "get",
            .usage = "[NAME...]",
            .summary = "Get restores",
            .flags = get_flags(),
            .run = run_get<Restore>},
           {.name = "describe",
            .usage = "[NAME1] [NAME2] [NAME...]",
            .summary = "Describe restores",
            .flags = describe_flags(),
            .run = describe_restores},
           {.name = "logs",
            .usage = "RESTORE",
            .summary = "Get restore logs",
            .flags = download_flags("1m0s"),
            .run = with_one_name(restore_logs)},
           {.name = "delete",
            .usage = "[NAMES]",
            .summary = "Delete restores",
            .flags = delete_flags("restores"),
            .run = remove_restores},
           cancel_command<Restore>("restore")},
      .aliases = {"restores"}};
}

}  // namespace lateen::cli
