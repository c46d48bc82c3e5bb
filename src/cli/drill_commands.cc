// `lateen drill`: restores that are only tried.
#include "assurance/drill.h"
#include "base/duration.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/drill_by_hand.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/table.h"
#include "model/restore_drill.h"
#include "server/local_context.h"

namespace lateen::cli {
namespace {

using model::DrillCheck;
using model::DrillPhase;
using model::DrillRun;
using model::RestoreDrill;

constexpr Duration kDrillPoll = std::chrono::milliseconds(500);

std::vector<FlagSpec> drill_spec_flags() {
  return {{.name = "from-schedule",
           .usage = "Drill the newest Completed backup of this schedule.",
           .names = "schedule"},
          {.name = "from-backup", .usage = "Drill this backup.", .names = "backup"},
          {.name = "schedule",
           .usage = "A cron expression: drill again and again. Without it there is one run."},
          {.name = "include-namespaces",
           .kind = FlagKind::List,
           .usage = "Namespaces of the backup to restore. By default all but the cluster's own."},
          {.name = "exclude-resources",
           .kind = FlagKind::List,
           .usage = "Kinds not to restore, besides those that no drill restores."},
          {.name = "namespace-prefix",
           .usage = "What the namespaces restored into are called, before the date.",
           .value = "restore-test"},
          {.name = "open-network",
           .kind = FlagKind::Bool,
           .usage = "Do not close the namespaces with a NetworkPolicy."},
          {.name = "check",
           .kind = FlagKind::Texts,
           .usage = "A check in YAML, as in spec.checks: '{type: exec, selector: app=db, command: "
                    "[cat, /data/x], expect: {equals: \"1\"}}'. May be repeated."},
          {.name = "checks-file", .usage = "A YAML file with a list of checks.", .names = "file"},
          {.name = "max-recovery-time",
           .kind = FlagKind::Duration,
           .usage = "A run that takes longer has failed."},
          {.name = "timeout",
           .kind = FlagKind::Duration,
           .usage = "How long restore and checks may take.",
           .value = "1h0m0s"}};
}

Result<std::vector<Json>> checks_of(const Invocation& call) {
  std::vector<Json> checks;
  for (const std::string& text : call.flags.texts("check"))
    checks.push_back(TRY(parse_yaml(text).wrap("--check")));
  const std::string file = call.flags.text("checks-file");
  if (file.empty()) return checks;
  const Json list = TRY(parse_yaml(TRY(read_file(FilePath(file)))).wrap("{}", file));
  if (!list.is_array()) return Error(Code::InvalidArgument, "{} is no list of checks", file);
  checks.insert(checks.end(), list.as_array().begin(), list.as_array().end());
  return checks;
}

Result<RestoreDrill> drill_of(const Invocation& call, const std::string& ns) {
  const Flags& flags = call.flags;
  JsonArray checks;
  for (Json& check : TRY(checks_of(call)))
    checks.push_back(std::move(check));
  RestoreDrill drill = TRY(model::from_json<RestoreDrill>(
      JsonObject{{"spec", JsonObject{{"checks", std::move(checks)}}}}));
  drill.metadata.name = call.args.front();
  drill.metadata.ns = ns;
  drill.spec.source.schedule_name = flags.text("from-schedule");
  drill.spec.source.backup_name = flags.text("from-backup");
  drill.spec.schedule = flags.text("schedule");
  drill.spec.included_namespaces = flags.list("include-namespaces");
  drill.spec.excluded_resources = flags.list("exclude-resources");
  drill.spec.namespace_prefix = flags.text("namespace-prefix");
  if (flags.is("open-network")) drill.spec.network = "Open";
  if (flags.given("max-recovery-time"))
    drill.spec.max_recovery_time = flags.duration("max-recovery-time");
  drill.spec.timeout = flags.duration("timeout");
  const model::StringList problems = assurance::drill_problems(drill.spec);
  if (!problems.empty()) return Error(Code::InvalidArgument, "{}", join(problems, "; "));
  return drill;
}

Result<RestoreDrill> get_drill(const Session& session, const std::string& name, Invocation& call) {
  auto drill = session.cluster.get<RestoreDrill>(name, call.stop);
  if (!drill && drill.error().is(Code::NotFound)) {
    return std::move(drill).error().with_hint(
        "lateen drill get lists the drills. If the kind itself is missing: lateen install "
        "--crds-only");
  }
  return drill;
}

std::string moment(const std::optional<TimePoint>& time) {
  return time ? format_rfc3339(*time) : std::string("<never>");
}

void describe_run(const DrillRun& run, Console& console) {
  console.line(fmt::format("\nRun {}:  {}{}", run.id, run.phase.text(),
                           run.step.empty() ? "" : " (" + run.step + ")"));
  if (!run.message.empty()) console.line("  Message:        " + run.message);
  console.line("  Backup:         " + run.backup);
  for (const auto& [ns, target] : run.namespaces)
    console.line(fmt::format("  Namespace:      {} as {}", ns, target));
  console.line("  Started:        " + moment(run.start_timestamp));
  console.line("  Ended:          " + moment(run.completion_timestamp));
  if (run.recovery_time)
    console.line("  Recovery time:  " + format_go_duration(*run.recovery_time));
  console.line(fmt::format("  Torn down:      {}", run.torn_down ? "yes" : "no"));
  for (const model::DrillCheckResult& check : run.checks) {
    console.line(fmt::format("  {} {} ({}): {}", check.passed ? "✓" : "✗", check.name, check.type,
                             check.passed ? check.observed : check.message));
  }
  if (!run.evidence.json.empty()) {
    console.line(fmt::format("  Evidence:       {} in location {}, SHA-256 {}, signed by {}",
                             run.evidence.html, run.evidence.location, run.evidence.sha256,
                             run.evidence.key_id));
  }
}

// Until the run that was asked for has ended; the exit code is that of --wait.
Result<int> wait_for_run(const Session& session, const RestoreDrill& before, Invocation& call) {
  const std::string last = before.status.runs.empty() ? "" : before.status.runs.front().id;
  std::string step;
  while (true) {
    const RestoreDrill now = TRY(get_drill(session, before.metadata.name, call));
    if (now.status.phase == DrillPhase::FailedValidation)
      return Error(Code::InvalidArgument, "{}", join(now.status.validation_errors, "; "));
    if (!now.status.runs.empty() && now.status.runs.front().id != last) {
      const DrillRun& run = now.status.runs.front();
      if (run.phase != DrillPhase::InProgress) {
        describe_run(run, call.console);
        return run.phase == DrillPhase::Passed ? exit_code::kDone : exit_code::kFailed;
      }
      if (run.step != step) call.console.line(run.step + " …");
      step = run.step;
    }
    if (!sleep_unless_stopped(kDrillPoll, call.stop)) return exit_code::kInterrupted;
  }
}

Result<int> create_drill(Invocation& call) {
  const Session session = TRY(open_session(call));
  const RestoreDrill drill = TRY(drill_of(call, session.ns()));
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  if (format != OutputFormat::None) {
    call.console.out(print_document(model::to_json(drill), format));
    return 0;
  }
  const RestoreDrill made = TRY(session.cluster.create(drill, call.stop));
  call.console.line(fmt::format("RestoreDrill \"{}\" created.", made.metadata.name));
  if (!call.flags.is("wait")) return 0;
  return wait_for_run(session, made, call);
}

Result<int> run_drill_now(Invocation& call) {
  const Session session = TRY(open_session(call));
  const RestoreDrill before = TRY(get_drill(session, call.args.front(), call));
  SystemRng rng;
  const std::string token = uuid4(rng);
  TRY(session.cluster.modify<RestoreDrill>(
      before.metadata.name,
      [&token](RestoreDrill& now) {
        now.metadata.annotations[std::string(assurance::kRunDrillAnnotation)] = token;
      },
      call.stop));
  call.console.line(fmt::format("Asked for a run of drill \"{}\".", before.metadata.name));
  if (call.flags.is("no-wait")) return 0;
  return wait_for_run(session, before, call);
}

Result<int> get_drills(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  std::vector<RestoreDrill> drills;
  if (call.args.empty()) {
    drills = TRY(session.cluster.list<RestoreDrill>({}, call.stop));
  } else {
    for (const std::string& name : call.args)
      drills.push_back(TRY(get_drill(session, name, call)));
  }
  if (format != OutputFormat::Table) {
    std::vector<Json> documents;
    for (const RestoreDrill& drill : drills)
      documents.push_back(model::to_json(drill));
    call.console.out(print_documents(documents, RestoreDrill::kKind.api_version(), "RestoreDrill",
                                     format, false));
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "STATUS", "SOURCE", "SCHEDULE", "LAST RUN", "LAST PASSED", "RECOVERY"}};
  for (const RestoreDrill& drill : drills) {
    const auto& source = drill.spec.source;
    const DrillRun* run = drill.status.runs.empty() ? nullptr : &drill.status.runs.front();
    rows.push_back(
        {drill.metadata.name, std::string(drill.status.phase.text()),
         source.schedule_name.empty() ? source.backup_name : source.schedule_name,
         drill.spec.schedule.empty() ? "<once>" : drill.spec.schedule,
         moment(drill.status.last_run), moment(drill.status.last_passed),
         run != nullptr && run->recovery_time ? format_go_duration(*run->recovery_time) : ""});
  }
  call.console.out(print_table(rows));
  return 0;
}

Result<int> describe_drill(Invocation& call) {
  const Session session = TRY(open_session(call));
  const RestoreDrill drill = TRY(get_drill(session, call.args.front(), call));
  Console& console = call.console;
  console.line("Name:         " + drill.metadata.name);
  console.line("Phase:        " + std::string(drill.status.phase.text()));
  for (const std::string& problem : drill.status.validation_errors)
    console.line("Error:        " + problem);
  console.line("Schedule:     " + (drill.spec.schedule.empty() ? "<once>" : drill.spec.schedule) +
               (drill.spec.paused ? " (paused)" : ""));
  console.line("Next run:     " +
               (drill.status.next_run ? format_rfc3339(*drill.status.next_run) : "<none>"));
  console.line("Last passed:  " + moment(drill.status.last_passed));
  for (const DrillRun& run : drill.status.runs)
    describe_run(run, console);
  return 0;
}

// The signed evidence of the newest run that has some, or of --run.
Result<int> drill_logs(Invocation& call) {
  const Session session = TRY(open_session(call));
  const RestoreDrill drill = TRY(get_drill(session, call.args.front(), call));
  const std::string wanted = call.flags.text("run");
  for (const DrillRun& run : drill.status.runs) {
    if (run.evidence.json.empty() || (!wanted.empty() && run.id != wanted)) continue;
    SystemRng rng;
    const server::LocalContext local(*session.client, session.ns(), call.clock, rng, Log());
    const auto store = TRY(server::open_store(local.get(), run.evidence.location, call.stop));
    const std::string& key = call.flags.is("html") ? run.evidence.html : run.evidence.json;
    call.console.out(TRY(store->objects().get(key, objects::kMaxDocument, call.stop)));
    return 0;
  }
  return Error(Code::NotFound, "drill {} has no evidence{}", drill.metadata.name,
               wanted.empty() ? "" : " of run " + wanted);
}

Result<int> delete_drill(Invocation& call) {
  const Session session = TRY(open_session(call));
  TRY(get_drill(session, call.args.front(), call));
  TRY(session.cluster.remove<RestoreDrill>(call.args.front(), call.stop));
  call.console.line(fmt::format("RestoreDrill \"{}\" deleted; its evidence stays in the bucket.",
                                call.args.front()));
  return 0;
}

FlagSpec drill_output(std::string by_default) {
  return {.name = "output",
          .usage = "Output format: table, json or yaml.",
          .value = std::move(by_default),
          .shorthand = "o",
          .words = {"table", "json", "yaml"}};
}

}  // namespace

Command drill_commands() {
  std::vector<FlagSpec> create_flags = drill_spec_flags();
  create_flags.push_back(
      {.name = "wait", .kind = FlagKind::Bool, .usage = "Wait for the first run to end."});
  create_flags.push_back(drill_output(""));
  return {
      .name = "drill",
      .usage = "",
      .summary = "Try restores: restore, check, measure, remove",
      .children =
          {{.name = "create",
            .usage = "NAME",
            .summary = "Create a restore drill",
            .flags = std::move(create_flags),
            .run = with_one_name(create_drill)},
           {.name = "run",
            .usage = "NAME",
            .summary = "Run a drill now, and wait for its end",
            .flags = {{.name = "no-wait", .kind = FlagKind::Bool, .usage = "Only ask for it."}},
            .run = with_one_name(run_drill_now)},
           {.name = "get",
            .usage = "[NAME...]",
            .summary = "Get restore drills",
            .flags = {drill_output("table")},
            .run = get_drills},
           {.name = "describe",
            .usage = "NAME",
            .summary = "Describe a drill and its runs",
            .run = with_one_name(describe_drill)},
           {.name = "logs",
            .usage = "NAME",
            .summary = "Print the signed evidence of a drill's last run",
            .flags = {{.name = "run", .usage = "The run, by its ID."},
                      {.name = "html", .kind = FlagKind::Bool, .usage = "The page for people."}},
            .run = with_one_name(drill_logs)},
           {.name = "delete",
            .usage = "NAME",
            .summary = "Delete a drill",
            .run = with_one_name(delete_drill)},
           export_cronjob_command(),
           destroy_and_restore_command()},
      .text =
          "A drill restores a backup into namespaces of its own, closed to the outside, asks "
          "what it should hold, measures\nhow long that took, and removes everything again."};
}

}  // namespace lateen::cli
