#include "assurance/retention.h"
#include "base/duration.h"
#include "cli/backup_spec_flags.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/describe.h"
#include "cli/get.h"
#include "cli/schedule_preview.h"
#include "model/names.h"
#include "model/schedule.h"

namespace lateen::cli {
namespace {

using model::Schedule;

std::vector<FlagSpec> create_flags() {
  std::vector<FlagSpec> flags = backup_spec_flags();
  const std::vector<FlagSpec> output = output_flags("");
  flags.insert(flags.end(), output.begin(), output.end());
  flags.push_back(
      {.name = "schedule",
       .usage = "A cron expression specifying a recurring schedule for this backup to run"});
  flags.push_back({.name = "paused",
                   .kind = FlagKind::Bool,
                   .usage = "Specifies whether the newly created schedule is paused or not."});
  flags.push_back(
      {.name = "use-owner-references-in-backup",
       .kind = FlagKind::Bool,
       .usage = "Specifies whether to use OwnerReferences on backups created by this Schedule. "
                "Notice: if set to true, when schedule is deleted, backups will be deleted too."});
  flags.push_back({.name = "skip-immediately",
                   .kind = FlagKind::BoolValue,
                   .usage = "Skip the next scheduled backup immediately",
                   .words = {"true", "false"}});
  flags.push_back(
      {.name = "retention",
       .usage = "How many of its backups are kept, instead of by TTL: 23 (7 daily, 4 weekly, 12 "
                "monthly), 7d4w12m, or daily=7,weekly=4,monthly=12,keepAtLeast=1. See what it "
                "holds with `schedule preview`."});
  return flags;
}

// Kept as an annotation, which Velero passes over: it goes by the TTL alone.
Status take_retention(const Flags& flags, Schedule& schedule) {
  if (!flags.given("retention")) return {};
  const auto policy = TRY(assurance::RetentionPolicy::parse(flags.text("retention")));
  const Duration ttl = schedule.spec.backup_template.ttl;
  if (flags.given("ttl") && ttl < policy.span()) {
    return Error(Code::InvalidArgument, "--ttl {} is shorter than what --retention keeps ({})",
                 format_go_duration(ttl), format_go_duration(policy.span()))
        .with_hint("Leave --ttl out: the server sets one that outlives the retention.");
  }
  if (!flags.given("ttl")) schedule.spec.backup_template.ttl = Duration::zero();
  schedule.metadata.annotations[std::string(model::annotations::kRetention)] = policy.format();
  return {};
}

Result<int> create(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  if (call.args.empty()) return Error(Code::InvalidArgument, "accepts 1 arg(s), received 0");
  if (call.flags.text("schedule").empty())
    return Error(Code::InvalidArgument, "--schedule is required");
  Schedule schedule;
  schedule.spec.backup_template = TRY(backup_spec_from(call.flags));
  schedule.spec.schedule = call.flags.text("schedule");
  schedule.spec.paused = call.flags.is("paused");
  schedule.spec.use_owner_references_in_backup = call.flags.is("use-owner-references-in-backup");
  schedule.spec.skip_immediately = call.flags.tristate("skip-immediately");
  schedule.metadata.name = call.args.front();
  schedule.metadata.labels = call.flags.map("labels");
  schedule.metadata.annotations = call.flags.map("annotations");
  TRY(take_retention(call.flags, schedule));
  const Session session = TRY(open_session(call));
  schedule.metadata.ns = session.ns();
  if (format != OutputFormat::None) {
    print_one(schedule, format, call);
    return 0;
  }
  TRY(session.cluster.create(schedule, call.stop));
  call.console.line(fmt::format("Schedule \"{}\" created successfully.", schedule.metadata.name));
  return 0;
}

Result<int> remove(Invocation& call) {
  TRY(check_selection(call, "schedule"));
  const Session session = TRY(open_session(call));
  const auto chosen = TRY(choose_objects<Schedule>(session, call, call.args));
  const Removal removal = removal_of(chosen);
  if (removal.names.empty()) return report_none(removal, "schedules", "deleted", call);
  if (!shall_remove(removal.names, "schedules", call)) return report_kept(removal, "deleted", call);
  for (const std::string& name : removal.names) {
    TRY(session.cluster.remove<Schedule>(name, call.stop));
    if (!is_silent(call)) call.console.line(fmt::format("Schedule deleted: {}", name));
  }
  return report_removal(removal, "deleted", call);
}

Status set_paused(const Session& session,
                  const std::string& name,
                  bool paused,
                  const Invocation& call) {
  TRY(session.cluster.modify<Schedule>(
      name,
      [&](Schedule& now) {
        now.spec.paused = paused;
        now.spec.skip_immediately = call.flags.tristate("skip-immediately");
      },
      call.stop));
  return {};
}

Result<int> set_paused(Invocation& call, bool paused) {
  TRY(check_selection(call, "schedule"));
  const Session session = TRY(open_session(call));
  const auto chosen = TRY(choose_objects<Schedule>(session, call, call.args));
  const std::string_view verb = paused ? "paused" : "unpaused";
  Removal changed{.problems = chosen.problems};
  if (chosen.objects.empty()) return report_none(changed, "schedules", verb, call);
  for (const Schedule& schedule : chosen.objects) {
    const std::string& name = schedule.metadata.name;
    const bool already = schedule.spec.paused == paused;
    if (!already) {
      TRY(set_paused(session, name, paused, call));
      changed.names.push_back(name);
    }
    if (is_silent(call)) continue;
    call.console.line(already ? fmt::format("Schedule {} is already {}, skip", name, verb)
                              : fmt::format("Schedule {} {} successfully", name, verb));
  }
  return report_removal(changed, verb, call);
}

std::vector<FlagSpec> pause_flags() {
  return {{.name = "all", .kind = FlagKind::Bool, .usage = "Apply to all schedules"},
          {.name = "selector",
           .kind = FlagKind::Selector,
           .usage = "Apply to all schedules matching this label selector.",
           .shorthand = "l"},
          {.name = "skip-immediately",
           .kind = FlagKind::BoolValue,
           .usage = "Skip the next scheduled backup immediately",
           .words = {"true", "false"}},
          result_flag()};
}

}  // namespace

Command schedule_commands() {
  constexpr const char* kCronHelp =
      "The --schedule flag is required, in cron notation, using UTC time:\n\n"
      "| Character Position | Character Period | Acceptable Values |\n"
      "| -------------------|:----------------:| -----------------:|\n"
      "| 1                  | Minute           | 0-59,*            |\n"
      "| 2                  | Hour             | 0-23,*            |\n"
      "| 3                  | Day of Month     | 1-31,*            |\n"
      "| 4                  | Month            | 1-12,*            |\n"
      "| 5                  | Day of Week      | 0-6,*             |\n\n"
      "The schedule can also be expressed using \"@every <duration>\" syntax, for instance @every "
      "2h30m.";
  return {.name = "schedule",
          .usage = "",
          .summary = "Work with schedules",
          .children = {{.name = "create",
                        .usage = "NAME --schedule",
                        .summary = "Create a schedule",
                        .flags = create_flags(),
                        .run = create,
                        .text = kCronHelp,
                        .max_args = 1},
                       {.name = "get",
                        .usage = "[NAME...]",
                        .summary = "Get schedules",
                        .flags = get_flags(),
                        .run = run_get<Schedule>},
                       {.name = "describe",
                        .usage = "[NAME1] [NAME2] [NAME...]",
                        .summary = "Describe schedules",
                        .flags = describe_schedule_flags(),
                        .run = describe_schedules},
                       {.name = "preview",
                        .usage = "[NAMES]",
                        .summary = "Show what schedules will hold, day by day",
                        .flags = schedule_preview_flags(),
                        .run = preview_schedules},
                       {.name = "delete",
                        .usage = "[NAMES]",
                        .summary = "Delete schedules",
                        .flags = delete_flags("schedules"),
                        .run = remove},
                       {.name = "pause",
                        .usage = "[NAMES]",
                        .summary = "Pause schedules",
                        .flags = pause_flags(),
                        .run = [](Invocation& call) { return set_paused(call, true); }},
                       {.name = "unpause",
                        .usage = "[NAMES]",
                        .summary = "Unpause schedules",
                        .flags = pause_flags(),
                        .run = [](Invocation& call) { return set_paused(call, false); }}},
          .aliases = {"schedules"}};
}

}  // namespace lateen::cli
