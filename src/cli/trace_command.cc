// `lateen trace`: which schedules cover an object, by which path, and the last good backup of it.
#include <algorithm>
#include <map>

#include "assurance/backup_scope.h"
#include "assurance/object_history.h"
#include "backup/run.h"
#include "base/duration.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/object_reports.h"
#include "cli/output.h"
#include "cli/stored_backups.h"
#include "cli/table.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/schedule.h"
#include "server/policy.h"

namespace lateen::cli {
namespace {

using assurance::HistoryBackup;
using assurance::HistoryEntry;
using assurance::ScopeVerdict;

// What is known of an object under one schedule, or under none.
struct TracedSchedule {
  std::string name = {};  // "": backups that no schedule made
  bool paused = false;
  std::optional<ScopeVerdict> verdict = {};  // nothing for "": there is no spec to ask
  std::string problem = {};                  // why the schedule cannot be asked
  std::size_t backups = 0;
  std::optional<HistoryEntry> last_good = {};
  std::vector<std::string> unreadable = {};
  std::string volume_path = {};  // of a claim, in the last good backup
};

struct TracedObject {
  assurance::ObjectName object = {};
  bool is_live = false;
  std::optional<kube::Labels> labels = {};
};

// The last backup is said to be good when it is Completed: a partial one may lack the very object.
bool is_good(const model::Backup& backup) {
  return backup.status.phase == model::BackupPhase::Completed;
}

class Tracer {
 public:
  static Result<std::unique_ptr<Tracer>> open(const Invocation& call) {
    auto tracer = std::make_unique<Tracer>();
    tracer->stored_ = TRY(StoredBackups::open(call));
    kube::Client& client = tracer->client();
    tracer->discovery_ = TRY(kube::discover(client, call.stop));
    tracer->namespaces_ = TRY(backup::read_namespaces(client, call.stop));
    tracer->kind_ =
        TRY(find_kind(call.args.front(), call.flags.text("namespace"), tracer->discovery_));
    TRY(tracer->read_live(call.stop));
    return tracer;
  }

  const TracedObject& object() const { return object_; }

  Result<std::vector<TracedSchedule>> trace(std::stop_token stop) {
    std::vector<TracedSchedule> found;
    const auto schedules = TRY(stored_->session().cluster.list<model::Schedule>({}, stop));
    for (const model::Schedule& schedule : schedules) {
      TracedSchedule one{.name = schedule.metadata.name, .paused = schedule.spec.paused};
      ask(schedule, one, stop);
      TRY(find_last_good(one, stop));
      found.push_back(std::move(one));
    }
    TracedSchedule without;
    TRY(find_last_good(without, stop));
    if (without.backups > 0) found.push_back(std::move(without));
    return found;
  }

 private:
  kube::Client& client() { return *stored_->session().client; }

  Status read_live(std::stop_token stop) {
    object_.object = kind_.object;
    if (kind_.type == nullptr)
      return Error(Code::NotFound, "the cluster serves no kind {}", kind_.object.group_resource);
    const auto there = client().get(
        {.gvr = kind_.type->gvr, .ns = kind_.object.ns, .name = kind_.object.name}, {}, stop);
    if (!there) return there.error().is(Code::NotFound) ? Status() : Status(there.error());
    object_.is_live = true;
    object_.labels = kube::to_labels(kube::labels_of(*there));
    return {};
  }

  void ask(const model::Schedule& schedule, TracedSchedule& one, std::stop_token stop) {
    model::Backup backup;
    backup.metadata.ns = stored_->session().ns();
    backup.spec = schedule.spec.backup_template;
    const auto policy = server::read_policy(backup, stored_->session().cluster, std::move(stop));
    if (!policy) {
      one.problem = policy.error().message();
      return;
    }
    const bool has_filters = *policy && (**policy).include_exclude();
    const auto plan = backup::plan_backup(
        has_filters ? backup::with_policy(backup.spec, *(**policy).include_exclude()) : backup.spec,
        discovery_, namespaces_);
    one.verdict = assurance::verdict_on(plan, *kind_.type, kind_.object,
                                        object_.labels ? &*object_.labels : nullptr);
  }

  Status find_last_good(TracedSchedule& one, std::stop_token stop) {
    std::vector<HistoryBackup> backups;
    for (const model::Backup& backup : stored_->backups()) {
      if (backup.metadata.label(model::labels::kScheduleName) != one.name || !is_good(backup))
        continue;
      auto lookup = TRY(stored_->lookup_of(backup, stop));
      backups.push_back(
          {.name = backup.metadata.name, .time = time_of(backup), .lookup = std::move(lookup)});
    }
    one.backups = backups.size();
    one.last_good = TRY(assurance::find_newest(kind_.object, backups, one.unreadable, stop));
    if (one.last_good) note_volume_path(one, std::move(stop));
    return {};
  }

  // A claim's data go another way than the claim.
  void note_volume_path(TracedSchedule& one, std::stop_token stop) {
    if (kind_.object.group_resource != "persistentvolumeclaims") return;
    const auto backup = stored_->find(one.last_good->backup);
    if (!backup) return;
    const auto store = stored_->store_of(**backup, stop);
    if (!store) return;
    const auto infos = (*store)->get_volume_infos(one.last_good->backup, std::move(stop));
    if (!infos) return;
    one.volume_path = "none: the backup does not speak of its volume";
    for (const model::BackupVolumeInfo& info : *infos) {
      if (info.pvc_name != kind_.object.name || info.pvc_namespace != kind_.object.ns) continue;
      one.volume_path = info.skipped               ? "none: " + info.skipped_reason
                        : info.snapshot_data_moved ? std::string("data movement")
                                                   : std::string(info.backup_method.text());
    }
  }

  std::unique_ptr<StoredBackups> stored_;
  kube::Discovery discovery_;
  std::vector<backup::NamespaceFacts> namespaces_;
  NamedKind kind_;
  TracedObject object_;
};

std::string covers_text(const TracedSchedule& one) {
  if (!one.problem.empty()) return "unknown: " + one.problem;
  if (!one.verdict) return "-";
  if (one.verdict->taken) return one.paused ? "yes, but it is paused" : "yes";
  return fmt::format("{}: {}", one.verdict->may_come_along ? "only with others" : "no",
                     one.verdict->reason);
}

bool is_covered(const std::vector<TracedSchedule>& schedules) {
  return std::any_of(schedules.begin(), schedules.end(), [](const TracedSchedule& one) {
    return one.verdict && one.verdict->taken && !one.paused;
  });
}

std::string print_trace(const TracedObject& object,
                        const std::vector<TracedSchedule>& schedules,
                        TimePoint now) {
  std::string text = fmt::format("{} {} in the cluster, and {} by a schedule.\n",
                                 object.object.text(), object.is_live ? "is" : "is not",
                                 is_covered(schedules) ? "covered" : "NOT covered");
  std::vector<std::vector<std::string>> rows = {
      {"SCHEDULE", "COVERS IT", "LAST GOOD BACKUP", "AGE", "VOLUME"}};
  std::vector<std::string> unreadable;
  for (const TracedSchedule& one : schedules) {
    rows.push_back(
        {one.name.empty() ? "<none>" : one.name, covers_text(one),
         one.last_good ? one.last_good->backup : fmt::format("<none of {}>", one.backups),
         one.last_good ? human_duration(now - one.last_good->time) : "", one.volume_path});
    unreadable.insert(unreadable.end(), one.unreadable.begin(), one.unreadable.end());
  }
  if (rows.size() > 1) text += "\n" + print_table(rows);
  return text + print_list("Could not be looked into", unreadable);
}

Json trace_document(const TracedObject& object, const std::vector<TracedSchedule>& schedules) {
  JsonArray list;
  for (const TracedSchedule& one : schedules) {
    JsonObject json;
    if (!one.name.empty()) json["schedule"] = one.name;
    if (one.verdict) {
      json["covers"] = one.verdict->taken;
      json["mayComeAlong"] = one.verdict->may_come_along;
      json["paused"] = one.paused;
      if (!one.verdict->reason.empty()) json["reason"] = one.verdict->reason;
    }
    if (!one.problem.empty()) json["problem"] = one.problem;
    json["goodBackups"] = one.backups;
    if (one.last_good) {
      json["lastGood"] = JsonObject{{"backup", one.last_good->backup},
                                    {"time", format_rfc3339(one.last_good->time)}};
    }
    if (!one.volume_path.empty()) json["volume"] = one.volume_path;
    json["unreadable"] = texts_json(one.unreadable);
    list.push_back(std::move(json));
  }
  return JsonObject{{"object", object_document(object.object)},
                    {"inCluster", object.is_live},
                    {"covered", is_covered(schedules)},
                    {"schedules", std::move(list)}};
}

Result<int> trace(Invocation& call) {
  if (call.args.size() != 1) {
    return Error(Code::InvalidArgument, "one object must be named")
        .with_hint("For example: lateen trace deploy/web -n shop");
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const auto tracer = TRY(Tracer::open(call));
  const auto schedules = TRY(tracer->trace(call.stop));
  call.console.out(format == OutputFormat::Table
                       ? print_trace(tracer->object(), schedules, call.clock.now())
                       : print_document(trace_document(tracer->object(), schedules), format));
  return is_covered(schedules) ? exit_code::kDone : exit_code::kError;
}

}  // namespace

Command trace_command() {
  std::vector<FlagSpec> flags = object_flags();
  flags.push_back({.name = "location",
                   .usage = "Look only into backups in this backup storage location",
                   .names = "backup-location"});
  flags.push_back(report_flag());
  return {.name = "trace",
          .usage = "KIND/NAME",
          .summary = "Say which schedules cover an object, and the last good backup that holds it",
          .flags = std::move(flags),
          .run = trace,
          .text =
              "Say which schedules cover an object, why others do not, and the last good backup "
              "that holds it.\n\nExit code 0: a schedule that is not paused covers it; 1: none "
              "does.",
          .max_args = 1};
}

}  // namespace lateen::cli
