#include "server/schedule_controller.h"

#include <algorithm>
#include <map>

#include "base/time.h"
#include "model/names.h"
#include "server/announcer.h"
#include "server/listing.h"
#include "server/missed_runs.h"
#include "server/retention.h"
#include "server/schedule_decision.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::Schedule;

// A Backup that bears the name of a run, but was made so long before it, was made while a clock was
// wrong.
constexpr Duration kMadeBefore = std::chrono::hours(1);

class ScheduleController final : public Controller {
 public:
  explicit ScheduleController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "schedule"; }

  // A cron line's finest unit is the minute; looking oftener keeps the start near it.
  Duration period() const override { return std::chrono::seconds(10); }

  void reconcile(std::stop_token stop) override {
    auto schedules = list_all<Schedule>(context_, stop);
    if (!schedules) return;
    for (Schedule& schedule : *schedules) {
      const Status done = look_at(schedule, stop);
      if (done || stop.stop_requested() || done.error().is(Code::Conflict)) continue;
      context_.log.error("Could not process a Schedule",
                         {{"schedule", schedule.metadata.name}, {"error", done.error()}});
    }
    forget_others(*schedules);
  }

 private:
  Status look_at(Schedule& schedule, std::stop_token stop) {
    // Where the cluster's definition of the kind has no such field, we remember it ourselves.
    const Schedule stored = schedule;
    std::optional<TimePoint>& promised = promised_[schedule.metadata.uid];
    if (!schedule.status.next_run) schedule.status.next_run = promised;
    const TimePoint now = context_.clock.now();
    ScheduleDecision decision =
        decide_schedule(schedule, now, false, context_.config.schedule_skip_immediately);
    if (decision.run && TRY(any_under_way(schedule, stop))) {
      decision = decide_schedule(schedule, now, true, context_.config.schedule_skip_immediately);
    }
    promised = decision.schedule.status.next_run;
    if (decision.clock_went_back) {
      context_.log.warning("The Schedule's last run lay in the future; it goes on from now",
                           {{"schedule", schedule.metadata.name}});
    }
    TRY(write(stored, decision.schedule, stop));
    if (decision.run) TRY(run(decision, now, stop));
    return {};
  }

  // The Backup first: if we die in between, the next round finds it by its name. The other way
  // round there would be none.
  Status run(const ScheduleDecision& decision, TimePoint now, std::stop_token stop) {
    const Schedule& schedule = decision.schedule;
    Backup backup = backup_of(schedule, *decision.run);
    if (TRY(retention_of(schedule))) {
      backup.metadata.annotations[std::string(model::annotations::kClusterUid)] =
          TRY(read_cluster_uid(context_.client(), stop));
    }
    TRY(create(backup, *decision.run, now, stop));
    const auto noted = TRY(context_.cluster.modify<Schedule>(
        schedule.metadata.name, [&](Schedule& current) { note_run(current, decision, now); },
        stop));
    std::optional<TimePoint>& promised = promised_[schedule.metadata.uid];
    const auto next = next_run(noted);
    promised = next ? *next : std::nullopt;
    tell(decision, backup, now);
    return {};
  }

  Status create(Backup& backup, TimePoint run, TimePoint now, std::stop_token stop) {
    const std::string_view schedule = backup.metadata.label(model::labels::kScheduleName);
    auto created = context_.cluster.create(backup, stop);
    if (!created && created.error().is(Code::AlreadyExists)) {
      auto there = context_.cluster.get<Backup>(backup.metadata.name, stop);
      // It was made for this very run, by us before we died or by another server.
      if (!there || there->metadata.creation_timestamp.value_or(run) + kMadeBefore >= run)
        return {};
      backup.metadata.name = model::scheduled_backup_name(schedule, now);
      created = context_.cluster.create(backup, stop);
    }
    if (!created && !created.error().is(Code::AlreadyExists)) return std::move(created).error();
    context_.log.info("Created a Backup of the Schedule",
                      {{"schedule", schedule}, {"backup", backup.metadata.name}});
    return {};
  }

  void tell(const ScheduleDecision& decision, const Backup& backup, TimePoint now) {
    const Schedule& schedule = decision.schedule;
    count_missed_runs(context_.metrics, schedule.metadata.name, decision.missed);
    if (context_.announcer == nullptr) return;
    Occurrence made = occurrence_on(schedule, now);
    made.type = "schedule.ran";
    made.reason = "BackupCreated";
    made.message = fmt::format("Created backup {}", backup.metadata.name);
    made.event_only = true;
    context_.announcer->tell(std::move(made));
    if (decision.missed == 0) return;
    Occurrence missed = occurrence_on(schedule, now);
    missed.type = "schedule.missed";
    missed.id += "." + format_timestamp_suffix(*decision.run);
    missed.severity = kube::EventSeverity::Warning;
    missed.reason = "RunsMissed";
    missed.message =
        fmt::format("{} of its runs got no backup before {}; {} makes up for them", decision.missed,
                    format_rfc3339(*decision.run), backup.metadata.name);
    missed.data["missed"] = static_cast<std::int64_t>(decision.missed);
    missed.data["backup"] = backup.metadata.name;
    context_.announcer->tell(std::move(missed));
  }

  Status write(const Schedule& before, const Schedule& after, std::stop_token stop) {
    Schedule wanted = after;
    if (passes_over_next_run_) wanted.status.next_run = before.status.next_run;
    if (wanted == before) return {};
    const Schedule now = TRY(context_.cluster.update(before, wanted, stop));
    passes_over_next_run_ = wanted.status.next_run && !now.status.next_run;
    return {};
  }

  Result<bool> any_under_way(const Schedule& schedule, std::stop_token stop) {
    const auto backups = TRY(context_.cluster.list<Backup>(
        fmt::format("{}={}", model::labels::kScheduleName, schedule.metadata.name), stop));
    return std::any_of(backups.begin(), backups.end(), [&schedule](const Backup& backup) {
      return is_under_way(backup, schedule);
    });
  }

  void forget_others(const std::vector<Schedule>& schedules) {
    std::erase_if(promised_, [&schedules](const auto& one) {
      return std::none_of(schedules.begin(), schedules.end(), [&one](const Schedule& schedule) {
        return schedule.metadata.uid == one.first;
      });
    });
  }

  const ServerContext context_;
  std::map<std::string, std::optional<TimePoint>> promised_;  // by uid; this thread's alone
  // The cluster has Velero's own definition of the kind, which drops our fields.
  bool passes_over_next_run_ = false;
};

}  // namespace

std::unique_ptr<Controller> make_schedule_controller(const ServerContext& context) {
  return std::make_unique<ScheduleController>(context);
}

}  // namespace lateen::server
