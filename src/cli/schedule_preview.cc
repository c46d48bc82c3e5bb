#include "cli/schedule_preview.h"

#include <algorithm>

#include "assurance/retention_forecast.h"
#include "base/duration.h"
#include "base/time.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/table.h"
#include "model/backup.h"
#include "model/names.h"
#include "model/phases.h"
#include "model/schedule.h"
#include "server/retention.h"

namespace lateen::cli {
namespace {

using assurance::DayForecast;
using assurance::PlannedSchedule;
using model::Backup;
using model::Schedule;

constexpr std::int64_t kMostDays = 3'660;
constexpr Duration kDefaultTtl = std::chrono::hours(720);  // the server's --default-backup-ttl

PlannedSchedule planned(std::string name, CronSchedule cron, Duration ttl) {
  return {.name = std::move(name),
          .cron = std::move(cron),
          .ttl = ttl == Duration::zero() ? kDefaultTtl : ttl};
}

Result<PlannedSchedule> from_flags(const Flags& flags) {
  const CronSchedule cron =
      TRY(CronSchedule::parse(flags.text("schedule")).wrap("invalid schedule"));
  PlannedSchedule schedule = planned("preview", cron, flags.duration("ttl"));
  if (flags.given("retention"))
    schedule.policy = TRY(assurance::RetentionPolicy::parse(flags.text("retention")));
  return schedule;
}

Result<PlannedSchedule> from_cluster(const Schedule& schedule, const std::vector<Backup>& backups) {
  const std::string& name = schedule.metadata.name;
  const CronSchedule cron =
      TRY(CronSchedule::parse(schedule.spec.schedule).wrap("schedule {}", name));
  PlannedSchedule plan = planned(name, cron, schedule.spec.backup_template.ttl);
  plan.policy = TRY(server::retention_of(schedule).wrap("schedule {}", name));
  for (const Backup& backup : backups) {
    if (backup.metadata.label(model::labels::kScheduleName) != name) continue;
    if (!model::is_restorable(backup.status.phase.value())) continue;
    const bool good = backup.status.phase == model::BackupPhase::Completed;
    plan.present.push_back(
        {.name = backup.metadata.name,
         .time = backup.status.start_timestamp.value_or(TimePoint()),
         .quality = good ? assurance::BackupQuality::Good : assurance::BackupQuality::Partial});
  }
  return plan;
}

Result<std::vector<PlannedSchedule>> from_cluster(Invocation& call) {
  const Session session = TRY(open_session(call));
  std::vector<Schedule> schedules;
  if (call.args.empty()) {
    schedules = TRY(session.cluster.list<Schedule>({}, call.stop));
  } else {
    for (const std::string& name : call.args)
      schedules.push_back(TRY(session.cluster.get<Schedule>(name, call.stop)));
  }
  const auto backups = TRY(session.cluster.list<Backup>({}, call.stop));
  std::vector<PlannedSchedule> plans;
  for (const Schedule& schedule : schedules) {
    if (schedule.spec.paused) {
      call.console.err(
          fmt::format("Schedule {} is paused: it is left out.\n", schedule.metadata.name));
      continue;
    }
    plans.push_back(TRY(from_cluster(schedule, backups)));
  }
  return plans;
}

std::string classes_text(const DayForecast& day) {
  std::string text;
  for (const std::string_view name :
       {"last", "hourly", "daily", "weekly", "monthly", "yearly", "last good", "ttl"}) {
    const auto count = day.by_class.find(name);
    if (count == day.by_class.end()) continue;
    fmt::format_to(std::back_inserter(text), "{}{} {}", text.empty() ? "" : ", ", count->second,
                   name == "ttl" ? "by TTL" : name);
  }
  return text;
}

std::string date_of(TimePoint day) {
  return format_rfc3339(day).substr(0, 10);
}

std::string table_of(const std::vector<DayForecast>& days) {
  std::vector<std::vector<std::string>> rows = {{"DAY", "MADE", "HELD", "OLDEST", "HELD AS"}};
  for (const DayForecast& day : days) {
    rows.push_back({date_of(day.day), std::to_string(day.made), std::to_string(day.held),
                    day.oldest ? date_of(*day.oldest) : "", classes_text(day)});
  }
  return print_table(rows);
}

Json document_of(const std::vector<DayForecast>& days) {
  JsonArray list;
  for (const DayForecast& day : days) {
    JsonObject classes;
    for (const auto& [name, count] : day.by_class)
      classes[name] = static_cast<std::int64_t>(count);
    JsonObject one;
    one["day"] = date_of(day.day);
    one["made"] = static_cast<std::int64_t>(day.made);
    one["held"] = static_cast<std::int64_t>(day.held);
    if (day.oldest) one["oldest"] = format_rfc3339(*day.oldest);
    one["heldAs"] = std::move(classes);
    list.push_back(std::move(one));
  }
  JsonObject document;
  document["days"] = std::move(list);
  return document;
}

}  // namespace

std::vector<FlagSpec> schedule_preview_flags() {
  return {
      {.name = "schedule",
       .usage = "Preview this cron expression instead of the cluster's schedules."},
      {.name = "retention", .usage = "With --schedule: what it keeps, as in `schedule create`."},
      {.name = "ttl",
       .kind = FlagKind::Duration,
       .usage = "With --schedule: how long each backup is kept when there is no --retention.",
       .value = "720h0m0s"},
      {.name = "days",
       .kind = FlagKind::Int,
       .usage = "How many days to look ahead.",
       .value = "31"},
      {.name = "output",
       .usage = "Output format. Valid values are 'table', 'json', and 'yaml'.",
       .value = "table",
       .shorthand = "o",
       .words = {"table", "json", "yaml"}}};
}

Result<int> preview_schedules(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const std::int64_t days = call.flags.integer("days");
  if (days < 1 || days > kMostDays) {
    return Error(Code::InvalidArgument, "--days {} is not from 1 to {}", days, kMostDays);
  }
  std::vector<PlannedSchedule> schedules;
  if (call.flags.given("schedule")) {
    schedules.push_back(TRY(from_flags(call.flags)));
  } else if (call.flags.given("retention") || call.flags.given("ttl")) {
    return Error(Code::InvalidArgument, "--retention and --ttl go with --schedule");
  } else {
    schedules = TRY(from_cluster(call));
  }
  const auto forecast = TRY(assurance::forecast_retention(std::move(schedules), call.clock.now(),
                                                          static_cast<std::size_t>(days)));
  if (format == OutputFormat::Table) {
    call.console.out(table_of(forecast));
  } else {
    call.console.out(print_document(document_of(forecast), format));
  }
  return 0;
}

}  // namespace lateen::cli
