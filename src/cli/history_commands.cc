// `lateen history` and `lateen undelete`: an object's versions across backups, and the way back.
#include <algorithm>
#include <map>

#include "assurance/backup_scope.h"
#include "backup/run.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/exit_codes.h"
#include "cli/object_reports.h"
#include "cli/output.h"
#include "cli/stored_backups.h"
#include "cli/wait.h"
#include "model/names.h"
#include "model/restore.h"

namespace lateen::cli {
namespace {

using assurance::DeletedObject;
using assurance::HistoryBackup;
using assurance::HistoryEntry;
using assurance::ObjectHistory;

// More names than this do not fit into a Restore's annotation.
constexpr std::size_t kMostNames = 200 << 10;
constexpr int kMostNamesakes = 100;
constexpr std::size_t kOpenedAtOnce = 4;

// Why backups of these specs cannot hold the object. Most backups share their spec with others.
class CoveredBackups {
 public:
  CoveredBackups(const NamedKind& kind,
                 const kube::Discovery& discovery,
                 std::vector<backup::NamespaceFacts> namespaces)
      : kind_(kind), discovery_(discovery), namespaces_(std::move(namespaces)) {
    // It may have gone since; a pattern is then held against its name all the same.
    const bool is_there = std::any_of(namespaces_.begin(), namespaces_.end(),
                                      [&](const auto& ns) { return ns.name == kind_.object.ns; });
    if (!is_there && !kind_.object.ns.empty())
      namespaces_.push_back({.name = kind_.object.ns, .labels = {}});
  }

  const std::string& why_not(const model::BackupSpec& spec) {
    const auto [known, is_new] = reasons_.emplace(write_json(model::to_json(spec)), std::string());
    if (is_new && kind_.type != nullptr) {
      const auto plan = backup::plan_backup(spec, discovery_, namespaces_);
      const auto verdict = assurance::verdict_on(plan, *kind_.type, kind_.object, nullptr);
      if (!verdict.taken && !verdict.may_come_along) known->second = verdict.reason;
    }
    return known->second;
  }

 private:
  const NamedKind& kind_;
  const kube::Discovery& discovery_;
  std::vector<backup::NamespaceFacts> namespaces_;
  std::map<std::string, std::string> reasons_;  // by the spec's JSON
};

Result<std::vector<HistoryBackup>> backups_to_look_into(StoredBackups& stored,
                                                        CoveredBackups* covered,
                                                        std::stop_token stop) {
  std::vector<HistoryBackup> backups;
  for (const model::Backup& backup : stored.backups()) {
    HistoryBackup one{.name = backup.metadata.name, .time = time_of(backup)};
    one.lookup = TRY(stored.lookup_of(backup, stop));
    if (covered != nullptr) one.why_not_covered = covered->why_not(backup.spec);
    backups.push_back(std::move(one));
  }
  return backups;
}

Error none_holds(const assurance::ObjectName& object, std::size_t backups) {
  return Error(Code::NotFound, "none of {} backups holds {}", backups, object.text())
      .with_hint(
          "`lateen trace` says which schedules cover it; `lateen browse BACKUP` what there is.");
}

Result<int> show_history(Invocation& call) {
  if (call.args.size() != 1) {
    return Error(Code::InvalidArgument, "one object must be named")
        .with_hint("For example: lateen history configmap/settings -n shop");
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const auto stored = TRY(StoredBackups::open(call));
  kube::Client& client = *stored->session().client;
  const kube::Discovery discovery = TRY(kube::discover(client, call.stop));
  const NamedKind kind = TRY(find_kind(call.args.front(), call.flags.text("namespace"), discovery));
  CoveredBackups covered(kind, discovery, TRY(backup::read_namespaces(client, call.stop)));
  const auto backups = TRY(backups_to_look_into(*stored, &covered, call.stop));
  const ObjectHistory history = TRY(assurance::make_history(kind.object, backups, call.stop));
  call.console.out(format == OutputFormat::Table
                       ? print_history(history, Zone::local())
                       : print_document(history_document(history), format));
  if (history.newest() == nullptr) {
    call.console.err(none_holds(kind.object, backups.size()).message() + ".\n");
    return exit_code::kNotFound;
  }
  return exit_code::kDone;
}

// One Restore for each backup that something comes from.
Result<std::vector<model::Restore>> restores_of(const std::vector<DeletedObject>& objects,
                                                const Session& session,
                                                TimePoint now) {
  std::map<std::string, std::vector<std::string>> by_backup;
  for (const DeletedObject& one : objects)
    by_backup[one.backup].push_back(one.object.text());
  std::vector<model::Restore> restores;
  for (const auto& [backup, names] : by_backup) {
    const std::string list = join(names, ",");
    if (list.size() > kMostNames) {
      return Error(Code::Unsupported, "{} objects of backup {} are more than one restore can name",
                   names.size(), backup)
          .with_hint(fmt::format("Restore whole namespaces: lateen restore create --from-backup {} "
                                 "--include-namespaces NAMESPACE",
                                 backup));
    }
    model::Restore restore;
    restore.metadata.ns = session.ns();
    restore.metadata.name =
        by_backup.size() == 1
            ? fmt::format("undelete-{}", format_timestamp_suffix(now))
            : fmt::format("undelete-{}-{}", format_timestamp_suffix(now), restores.size() + 1);
    restore.metadata.annotations[std::string(model::annotations::kIncludeObjects)] = list;
    restore.spec.backup_name = backup;
    restores.push_back(std::move(restore));
  }
  return restores;
}

Status refuse_living(const NamedKind& kind, kube::Client& client, std::stop_token stop) {
  if (kind.type == nullptr) {
    return Error(Code::NotFound, "the cluster serves no kind {}", kind.object.group_resource)
        .with_hint(fmt::format("Bring its definition back first: undelete crd/{}",
                               kind.object.group_resource));
  }
  const auto there = client.get(
      {.gvr = kind.type->gvr, .ns = kind.object.ns, .name = kind.object.name}, {}, std::move(stop));
  if (!there) return there.error().is(Code::NotFound) ? Status() : Status(there.error());
  return Error(Code::AlreadyExists, "{} is in the cluster", kind.object.text())
      .with_hint(fmt::format(
          "`lateen history` shows its versions; an older one comes back by `lateen restore create "
          "--from-backup BACKUP --include-object {} --existing-resource-policy update`.",
          kind.object.text()));
}

Result<std::vector<DeletedObject>> newest_of_named(StoredBackups& stored, Invocation& call) {
  kube::Client& client = *stored.session().client;
  const kube::Discovery discovery = TRY(kube::discover(client, call.stop));
  const auto backups = TRY(backups_to_look_into(stored, nullptr, call.stop));
  std::vector<DeletedObject> objects;
  for (const std::string& text : call.args) {
    const NamedKind kind = TRY(find_kind(text, call.flags.text("namespace"), discovery));
    TRY(refuse_living(kind, client, call.stop));
    std::vector<std::string> problems;
    const auto newest = TRY(assurance::find_newest(kind.object, backups, problems, call.stop));
    for (const std::string& problem : problems)
      call.console.err(fmt::format("Passed over: {}\n", problem));
    if (!newest) return none_holds(kind.object, backups.size());
    objects.push_back({.object = kind.object, .backup = newest->backup});
  }
  return objects;
}

// What cannot be opened is told, and passed over: the others may hold what was lost.
Result<std::vector<std::optional<OpenedBackup>>> open_all(StoredBackups& stored,
                                                          const std::vector<std::size_t>& chosen,
                                                          Invocation& call) {
  for (const std::size_t i : chosen)
    TRY(stored.store_of(stored.backups()[i], call.stop));  // from here on only looked up
  std::vector<std::optional<OpenedBackup>> opened(chosen.size());
  std::vector<std::string> problems(chosen.size());
  const auto open_one = [&](std::size_t i, const std::stop_token& inner) -> Status {
    auto backup = stored.open_contents(stored.backups()[chosen[i]], inner);
    if (backup) {
      opened[i] = std::move(*backup);
    } else {
      problems[i] = backup.error().message();
    }
    if (inner.stop_requested()) return Error(Code::Canceled, "it was stopped");
    return {};
  };
  TRY(parallel_for(chosen.size(), kOpenedAtOnce, open_one, call.stop));
  for (const std::string& problem : problems) {
    if (!problem.empty()) call.console.err(fmt::format("Passed over: {}\n", problem));
  }
  return opened;
}

Result<std::vector<DeletedObject>> deleted_since(StoredBackups& stored, Invocation& call) {
  const TimePoint since =
      TRY(parse_since(call.flags.text("since"), call.clock.now(), Zone::local()));
  std::vector<assurance::BackupTime> times;
  for (const model::Backup& backup : stored.backups()) {
    times.push_back({.schedule = std::string(backup.metadata.label(model::labels::kScheduleName)),
                     .time = time_of(backup)});
  }
  const auto chosen = assurance::backups_since(times, since);
  if (chosen.empty()) {
    return Error(Code::NotFound, "there is no backup that could be restored")
        .with_hint("`backup get` lists the backups and their phases.");
  }
  const auto opened = TRY(open_all(stored, chosen, call));
  std::vector<assurance::OpenBackup> backups;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (opened[i])
      backups.push_back(
          {.name = stored.backups()[chosen[i]].metadata.name, .reader = &opened[i]->reader});
  }
  kube::Client& client = *stored.session().client;
  const kube::Discovery discovery = TRY(kube::discover(client, call.stop));
  return assurance::find_deleted(backups, call.flags.text("namespace"), discovery, client,
                                 call.stop);
}

Json undelete_document(const std::vector<DeletedObject>& objects,
                       const std::vector<model::Restore>& restores,
                       bool is_dry) {
  JsonArray list;
  for (const DeletedObject& one : objects) {
    JsonObject json = object_document(one.object);
    json["backup"] = one.backup;
    list.push_back(std::move(json));
  }
  JsonArray made;
  for (const model::Restore& restore : restores)
    made.push_back(model::to_json(restore));
  return JsonObject{
      {"objects", std::move(list)}, {"restores", std::move(made)}, {"dryRun", is_dry}};
}

// A name tells the second. The second one that asks for it, in that second, gets another.
Status create_under_free_name(model::Restore& restore, const Session& session, Invocation& call) {
  const std::string wanted = restore.metadata.name;
  for (int next = 2;; ++next) {
    const auto made = session.cluster.create(restore, call.stop);
    if (made) return {};
    if (!made.error().is(Code::AlreadyExists) || next > kMostNamesakes) return made.error();
    restore.metadata.name = fmt::format("{}-{}", wanted, next);
  }
}

Result<int> start_restores(std::vector<model::Restore>& restores,
                           const Session& session,
                           Invocation& call) {
  int code = exit_code::kDone;
  for (model::Restore& restore : restores) {
    TRY(create_under_free_name(restore, session, call));
    if (!is_silent(call)) {
      call.console.line(
          fmt::format("Restore request \"{}\" submitted successfully.", restore.metadata.name));
    }
  }
  if (!call.flags.is("wait")) return code;
  for (const model::Restore& restore : restores)
    code = std::max(code, TRY(wait_for_restore(session, restore.metadata.name, call)));
  return code;
}

Status check_undelete(const Invocation& call) {
  if (call.flags.is("wait") && is_silent(call)) {
    return Error(Code::InvalidArgument, "--wait prints sentences, -o {} a document: choose one",
                 call.flags.text("output"));
  }
  if (call.args.empty() != call.flags.text("since").empty()) return {};
  return Error(Code::InvalidArgument, "either objects must be named, or --since a time")
      .with_hint(
          "For example: lateen undelete configmap/settings -n shop, or lateen undelete "
          "--since 02:00 -n shop --dry-run");
}

Result<int> undelete(Invocation& call) {
  TRY(check_undelete(call));
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const auto stored = TRY(StoredBackups::open(call));
  const bool is_since = call.args.empty();
  const auto objects =
      is_since ? TRY(deleted_since(*stored, call)) : TRY(newest_of_named(*stored, call));
  const Session& session = stored->session();
  auto restores = TRY(restores_of(objects, session, call.clock.now()));
  const bool is_dry = call.flags.is("dry-run");
  const bool is_text = format == OutputFormat::Table;
  if (is_text && objects.empty()) call.console.line("Nothing was deleted since.");
  if (is_text && !objects.empty()) call.console.out(print_deleted(objects));
  if (is_dry || objects.empty()) {
    if (!is_text)
      call.console.out(print_document(undelete_document(objects, restores, is_dry), format));
    return exit_code::kDone;
  }
  if (is_since && !is_confirmed(call)) return exit_code::kDone;
  const int code = TRY(start_restores(restores, session, call));
  if (!is_text)
    call.console.out(print_document(undelete_document(objects, restores, is_dry), format));
  return code;
}

std::vector<FlagSpec> with(std::vector<FlagSpec> flags, const std::vector<FlagSpec>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

}  // namespace

Command history_command() {
  return {.name = "history",
          .usage = "KIND/NAME",
          .summary = "List an object's versions across backups",
          .flags = with(with(object_flags(), backup_choice_flags()), {report_flag()}),
          .run = show_history,
          .text =
              "List an object's versions across backups, and what changed between them.\n\nOf "
              "each of Lateen's backups a few KiB are read. A Secret's values are not shown. "
              "Exit code 10: no backup holds it.",
          .max_args = 1};
}

Command undelete_command() {
  return {
      .name = "undelete",
      .usage = "[KIND/NAME...] | --since TIME",
      .summary = "Bring deleted objects back from the newest backup that holds them",
      .flags = with(
          with(object_flags(), backup_choice_flags()),
          with({{.name = "since",
                 .usage = "Everything that was deleted since: 2026-11-22T02:00:00Z, 02:00 or 9h. "
                          "It is shown, and asked about, first."},
                {.name = "confirm", .kind = FlagKind::Bool, .usage = "Do not ask"},
                {.name = "dry-run",
                 .kind = FlagKind::Bool,
                 .usage = "Show what would come back, and restore nothing."},
                report_flag()},
               wait_flags())),
      .run = undelete,
      .text =
          "Bring deleted objects back from the newest backup that holds them, each by a restore "
          "of nothing else.\n\nWith --since, what the backups from then on (and the last one "
          "before of each schedule) hold and the cluster has no more; what controllers make by "
          "themselves is left out."};
}

}  // namespace lateen::cli
