#include "server/schedule_decision.h"

#include <algorithm>
#include <array>

#include "base/cron.h"
#include "base/text.h"
#include "model/names.h"
#include "model/phases.h"
#include "server/retention.h"

namespace lateen::server {

using model::Backup;
using model::Schedule;
using model::SchedulePhase;

namespace {

// Counted one by one; a schedule of every minute has more of them in two months.
constexpr std::size_t kMostMissed = 100'000;

constexpr int kRunsToLookAhead = 8;

// Marks by which GitOps tools know what they have applied. On a Backup they would say that it was
// applied too, and is to be removed since no repository has it (velero#2975). A text that ends in
// "/" stands for every name of that domain.
constexpr std::array<std::string_view, 12> kTrackingMarks = {
    "app.kubernetes.io/instance",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "objectset.rio.cattle.io/",
    "kapp.k14s.io/",
    "applyset.kubernetes.io/",
    "config.kubernetes.io/owning-inventory",
    "config.k8s.io/owning-inventory",
    "configsync.gke.io/",
    "configmanagement.gke.io/",
    // What kubectl noted about the Schedule says nothing of the Backup.
    "kubectl.kubernetes.io/last-applied-configuration",
};

bool is_tracking_mark(std::string_view key) {
  return std::any_of(kTrackingMarks.begin(), kTrackingMarks.end(), [key](std::string_view mark) {
    return mark.ends_with('/') ? key.starts_with(mark) : key == mark;
  });
}

model::StringMap without_tracking(const model::StringMap& marks) {
  model::StringMap kept;
  for (const auto& [key, value] : marks) {
    if (!is_tracking_mark(key)) kept[key] = value;
  }
  return kept;
}

Result<CronSchedule> cron_of(const Schedule& schedule) {
  if (trim(schedule.spec.schedule).empty()) {
    return Error(Code::InvalidArgument, "Schedule must be a non-empty valid Cron expression");
  }
  return CronSchedule::parse(schedule.spec.schedule).wrap("invalid schedule");
}

// The moment after which the next run is looked for.
TimePoint base_of(const Schedule& schedule) {
  TimePoint base = schedule.status.last_backup
                       ? *schedule.status.last_backup
                       : schedule.metadata.creation_timestamp.value_or(TimePoint());
  if (schedule.status.last_skipped) base = std::max(base, *schedule.status.last_skipped);
  return base;
}

// A time that a clock wrote which was ahead would hold up all runs until it comes.
bool forget_the_future(Schedule& schedule, TimePoint now) {
  bool any = false;
  for (auto* time : {&schedule.status.last_backup, &schedule.status.last_skipped}) {
    if (!*time || **time <= now + kClockTolerance) continue;
    *time = now;
    any = true;
  }
  return any;
}

void invalidate(Schedule& schedule, const Error& error) {
  schedule.status.phase = SchedulePhase::FailedValidation;
  schedule.status.validation_errors = {error.message()};
  schedule.status.next_run.reset();
}

// Goes on from a run that is due to the last one that is.
struct DueRuns {
  TimePoint last;
  std::size_t before_it = 0;
};

DueRuns due_runs(const CronSchedule& cron, TimePoint first, TimePoint now) {
  DueRuns runs{.last = first};
  for (auto next = cron.next(first); next && *next <= now && runs.before_it < kMostMissed;
       next = cron.next(*next)) {
    runs.last = *next;
    ++runs.before_it;
  }
  return runs;
}

}  // namespace

Result<std::optional<TimePoint>> next_run(const Schedule& schedule) {
  return TRY(cron_of(schedule)).next(base_of(schedule));
}

ScheduleDecision decide_schedule(const Schedule& schedule,
                                 TimePoint now,
                                 bool under_way,
                                 bool skip_immediately) {
  ScheduleDecision decision{.schedule = schedule};
  Schedule& after = decision.schedule;
  if (!after.spec.skip_immediately) after.spec.skip_immediately = skip_immediately;
  if (after.spec.skip_immediately == true) {
    after.spec.skip_immediately = false;
    after.status.last_skipped = now;
  }
  const auto cron = cron_of(after);
  const auto retention = retention_of(after);
  if (!cron || !retention) {
    invalidate(after, cron ? retention.error() : cron.error());
    return decision;
  }
  after.status.phase = SchedulePhase::Enabled;
  after.status.validation_errors.clear();
  decision.clock_went_back = forget_the_future(after, now);
  const std::optional<TimePoint> due = cron->next(base_of(after));
  // What had been promised and did not come counts as missed; what fell into a pause does not.
  const bool promised = schedule.status.next_run && *schedule.status.next_run <= now;
  after.status.next_run = after.spec.paused ? std::nullopt : due;
  if (after.spec.paused || !due || now < *due || under_way) return decision;
  const DueRuns runs = due_runs(*cron, *due, now);
  decision.run = runs.last;
  if (promised) decision.missed = runs.before_it;
  return decision;
}

void note_run(Schedule& schedule, const ScheduleDecision& decision, TimePoint now) {
  schedule.status.last_backup = now;
  schedule.status.missed_runs += static_cast<std::int64_t>(decision.missed);
  const auto next = next_run(schedule);
  schedule.status.next_run = next ? *next : std::nullopt;
}

Backup backup_of(const Schedule& schedule, TimePoint run) {
  Backup backup;
  backup.metadata.ns = schedule.metadata.ns;
  backup.metadata.name = model::scheduled_backup_name(schedule.metadata.name, run);
  backup.spec = schedule.spec.backup_template;
  const model::StringMap& own = backup.spec.metadata.labels;
  backup.metadata.labels = own.empty() ? without_tracking(schedule.metadata.labels) : own;
  backup.metadata.labels[std::string(model::labels::kScheduleName)] = schedule.metadata.name;
  backup.metadata.annotations = without_tracking(schedule.metadata.annotations);
  // Where only TTL counts (Velero), nothing that the retention holds is to go too early.
  const auto retention = retention_of(schedule);
  if (retention && *retention && backup.spec.ttl == Duration::zero())
    backup.spec.ttl = (*retention)->span();
  if (schedule.spec.use_owner_references_in_backup == true) {
    backup.metadata.owner_references = {model::controlled_by(schedule)};
  }
  return backup;
}

bool is_under_way(const Backup& backup, const Schedule& schedule) {
  if (backup.metadata.label(model::labels::kScheduleName) != schedule.metadata.name) return false;
  const model::BackupPhase phase = backup.status.phase.value();
  return model::is_new(phase) || phase == model::BackupPhase::Queued ||
         phase == model::BackupPhase::ReadyToStart || phase == model::BackupPhase::InProgress;
}

std::optional<Duration> expected_interval(const Schedule& schedule, TimePoint now) {
  const auto cron = cron_of(schedule);
  if (!cron) return std::nullopt;
  std::optional<Duration> longest;
  std::optional<TimePoint> run = cron->next(now);
  for (int i = 0; run && i < kRunsToLookAhead; ++i) {
    const auto next = cron->next(*run);
    if (next) longest = std::max(longest.value_or(Duration::zero()), *next - *run);
    run = next;
  }
  return longest;
}

}  // namespace lateen::server
