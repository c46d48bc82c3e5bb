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
    print_objects(std::vector<Schedule>{schedule}, format, call);
    return 0;
  }
  TRY(session.cluster.create(schedule, call.stop));
  call.console.line(fmt::format("Schedule \"{}\" created successfully.", schedule.metadata.name));
  return 0;
}

Result<int> remove(Invocation& call) {
  TRY(check_selection(call, "schedule"));
  const Session session = TRY(open_session(call));
  const ChosenObjects<Schedule> chosen = TRY(choose_objects<Schedule>(session, call));
  if (chosen.objects.empty()) {
    call.console.line("No schedules found");
    return 0;
  }
  show_if_glob(chosen, call);
  if (!is_confirmed(call)) return 0;
  for (const Schedule& schedule : chosen.objects) {
    TRY(session.cluster.remove<Schedule>(schedule.metadata.name, call.stop));
    call.console.line(fmt::format("Schedule deleted: {}", schedule.metadata.name));
  }
  if (chosen.problems.empty()) return 0;
  return Error(Code::NotFound, "{}", fmt::format("{}", fmt::join(chosen.problems, "; ")));
}

Result<int> set_paused(Invocation& call, bool paused) {
  TRY(check_selection(call, "schedule"));
  const Session session = TRY(open_session(call));
  const ChosenObjects<Schedule> chosen = TRY(choose_objects<Schedule>(session, call));
  const std::string_view verb = paused ? "paused" : "unpaused";
  if (chosen.objects.empty()) {
    call.console.line("No schedules found");
    return 0;
  }
  for (const Schedule& schedule : chosen.objects) {
    if (schedule.spec.paused == paused) {
      call.console.line(
          fmt::format("Schedule {} is already {}, skip", schedule.metadata.name, verb));
      continue;
    }
    TRY(session.cluster.modify<Schedule>(
        schedule.metadata.name,
        [&](Schedule& now) {
          now.spec.paused = paused;
          now.spec.skip_immediately = call.flags.tristate("skip-immediately");
        },
        call.stop));
    call.console.line(fmt::format("Schedule {} {} successfully", schedule.metadata.name, verb));
  }
  if (chosen.problems.empty()) return 0;
  return Error(Code::NotFound, "{}", fmt::format("{}", fmt::join(chosen.problems, "; ")));
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
           .words = {"true", "false"}}};
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
                        .flags = describe_flags(false),
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
