#include "server/schedule_controller.h"

#include <algorithm>

#include "base/cron.h"
#include "base/text.h"
#include "model/names.h"
#include "model/phases.h"
#include "server/listing.h"
#include "server/retention.h"

namespace lateen::server {

using model::Backup;
using model::Schedule;
using model::SchedulePhase;

Result<std::optional<TimePoint>> next_run(const Schedule& schedule) {
  if (trim(schedule.spec.schedule).empty()) {
    return Error(Code::InvalidArgument, "Schedule must be a non-empty valid Cron expression");
  }
  const CronSchedule cron =
      TRY(CronSchedule::parse(schedule.spec.schedule).wrap("invalid schedule"));
  TimePoint base = schedule.status.last_backup
                       ? *schedule.status.last_backup
                       : schedule.metadata.creation_timestamp.value_or(TimePoint());
  if (schedule.status.last_skipped) base = std::max(base, *schedule.status.last_skipped);
  return cron.next(base);
}

Backup backup_of(const Schedule& schedule, TimePoint now) {
  Backup backup;
  backup.metadata.ns = schedule.metadata.ns;
  backup.metadata.name = model::scheduled_backup_name(schedule.metadata.name, now);
  backup.spec = schedule.spec.backup_template;
  const model::StringMap& own = backup.spec.metadata.labels;
  backup.metadata.labels = own.empty() ? schedule.metadata.labels : own;
  backup.metadata.labels[std::string(model::labels::kScheduleName)] = schedule.metadata.name;
  backup.metadata.annotations = schedule.metadata.annotations;
  // What kubectl noted about the Schedule says nothing of the Backup.
  backup.metadata.annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
  // Where only TTL counts (Velero), nothing that the retention holds is to go too early.
  const auto retention = retention_of(schedule);
  if (retention && *retention && backup.spec.ttl == Duration::zero())
    backup.spec.ttl = (*retention)->span();
  if (schedule.spec.use_owner_references_in_backup == true) {
    backup.metadata.owner_references = {model::controlled_by(schedule)};
  }
  return backup;
}

namespace {

// A Backup of the schedule that has not got past its own work: the next one waits for it.
bool is_under_way(const Backup& backup, const Schedule& schedule) {
  if (backup.metadata.label(model::labels::kScheduleName) != schedule.metadata.name) return false;
  const model::BackupPhase phase = backup.status.phase.value();
  return model::is_new(phase) || phase == model::BackupPhase::Queued ||
         phase == model::BackupPhase::ReadyToStart || phase == model::BackupPhase::InProgress;
}

class ScheduleController final : public Controller {
 public:
  explicit ScheduleController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "schedule"; }

  // A cron line's finest unit is the minute; looking oftener keeps the start near it.
  Duration period() const override { return std::chrono::seconds(10); }

  void reconcile(std::stop_token stop) override {
    auto schedules = list_all<Schedule>(context_, stop);
    if (!schedules) return;
    for (const Schedule& schedule : *schedules) {
      const Status done = look_at(schedule, stop);
      if (done || stop.stop_requested() || done.error().is(Code::Conflict)) continue;
      context_.log.error("Could not process a Schedule",
                         {{"schedule", schedule.metadata.name}, {"error", done.error()}});
    }
  }

 private:
  Status look_at(const Schedule& schedule, std::stop_token stop) {
    Schedule after = schedule;
    if (!after.spec.skip_immediately) {
      after.spec.skip_immediately = context_.config.schedule_skip_immediately;
    }
    if (after.spec.skip_immediately == true) {
      after.spec.skip_immediately = false;
      after.status.last_skipped = context_.clock.now();
    }
    const auto due = next_run(after);
    const auto retention = retention_of(after);
    if (!due || !retention) {
      after.status.phase = SchedulePhase::FailedValidation;
      after.status.validation_errors = {due ? retention.error().message() : due.error().message()};
      return write(schedule, after, stop);
    }
    after.status.phase = SchedulePhase::Enabled;
    after.status.validation_errors.clear();
    const TimePoint now = context_.clock.now();
    if (after.spec.paused || !*due || now < **due || TRY(any_under_way(after, stop))) {
      return write(schedule, after, stop);
    }
    TRY(write(schedule, after, stop));
    // The Backup first: if we die in between, there may be one more than was asked for; the other
    // way round there would be one less.
    Backup backup = backup_of(after, now);
    if (*retention) {
      backup.metadata.annotations[std::string(model::annotations::kClusterUid)] =
          TRY(read_cluster_uid(context_.client(), stop));
    }
    auto created = context_.cluster.create(backup, stop);
    if (!created && !created.error().is(Code::AlreadyExists)) return std::move(created).error();
    context_.log.info("Created a Backup of the Schedule",
                      {{"schedule", schedule.metadata.name}, {"backup", backup.metadata.name}});
    TRY(context_.cluster.modify<Schedule>(
        schedule.metadata.name, [now](Schedule& current) { current.status.last_backup = now; },
        stop));
    return {};
  }

  Status write(const Schedule& before, const Schedule& after, std::stop_token stop) {
    if (after == before) return {};
    TRY(context_.cluster.update(before, after, stop));
    return {};
  }

  Result<bool> any_under_way(const Schedule& schedule, std::stop_token stop) {
    const auto backups = TRY(context_.cluster.list<Backup>(
        fmt::format("{}={}", model::labels::kScheduleName, schedule.metadata.name), stop));
    return std::any_of(backups.begin(), backups.end(), [&schedule](const Backup& backup) {
      return is_under_way(backup, schedule);
    });
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_schedule_controller(const ServerContext& context) {
  return std::make_unique<ScheduleController>(context);
}

}  // namespace lateen::server
