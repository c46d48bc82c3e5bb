#include "sandbox/controllers/cron_jobs.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/cron.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/jobs.h"
#include "sandbox/controllers/workload.h"

namespace lateen::sandbox {
namespace {

using std::chrono::hours;

// How far back a missed time is looked for, step by step: the latest one is what counts, however
// many came before it while the sandbox was off.
constexpr std::array kLookBack = {hours(1), hours(24), hours(24 * 32), hours(24 * 366 * 5)};

Result<CronSchedule> schedule_of(const Json& cron_job) {
  const std::string_view zone = string_at(cron_job, "spec.timeZone");
  const std::string_view schedule = string_at(cron_job, "spec.schedule");
  if (zone.empty()) return CronSchedule::parse(schedule);
  return CronSchedule::parse(fmt::format("TZ={} {}", zone, schedule));
}

// The latest time that has come since `after`.
std::optional<TimePoint> latest_due(const CronSchedule& schedule, TimePoint after, TimePoint now) {
  for (const hours back : kLookBack) {
    std::optional<TimePoint> due;
    const TimePoint from = std::max<TimePoint>(after, now - back);
    for (auto next = schedule.next(from); next && *next <= now; next = schedule.next(*next))
      due = next;
    if (due || from == after) return due;
  }
  return std::nullopt;
}

}  // namespace

CronJobController::CronJobController(ControllerContext& context)
    : Controller(context, "cronjob-controller") {
  follow(caches().cron_jobs);
  follow_owners(caches().jobs, "CronJob");
}

std::vector<ObjectPtr> CronJobController::jobs_of(const Json& cron_job) {
  std::vector<ObjectPtr> out;
  for (const ObjectPtr& job : caches().jobs.list(kube::namespace_of(cron_job))) {
    const auto owner = kube::controller_of(*job);
    if (owner && owner->uid == kube::uid_of(cron_job)) out.push_back(job);
  }
  return out;
}

Result<LookAgain> CronJobController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, cron_name] = kube::parse_object_key(key);
  const ObjectPtr cron_job = caches().cron_jobs.find(ns, cron_name);
  if (!cron_job || kube::is_being_deleted(*cron_job)) return LookAgain();
  const std::vector<ObjectPtr> jobs = jobs_of(*cron_job);
  TRY(clean_history(*cron_job, jobs, stop));
  std::vector<ObjectPtr> active;
  for (const ObjectPtr& job : jobs) {
    if (!is_job_finished(*job)) active.push_back(job);
  }
  if (bool_at(*cron_job, "spec.suspend").value_or(false)) {
    TRY(report(*cron_job, std::nullopt));
    return LookAgain();
  }
  auto schedule = schedule_of(*cron_job);
  if (!schedule) {
    events().warning(*cron_job, "UnparseableSchedule", schedule.error().message());
    return LookAgain();
  }
  auto last = parse_rfc3339(string_at(*cron_job, "status.lastScheduleTime"));
  const TimePoint since = last ? *last : kube::creation_time_of(*cron_job).value_or(now());
  const auto due = latest_due(*schedule, since, now());
  bool started = false;
  if (due) {
    const auto starting_deadline = int_at(*cron_job, "spec.startingDeadlineSeconds");
    const bool too_late =
        starting_deadline && *due + std::chrono::seconds(*starting_deadline) < now();
    if (too_late) {
      events().warning(
          *cron_job, "MissSchedule",
          fmt::format("Missed scheduled time to start a job: {}", format_rfc3339(*due)));
    } else {
      started = TRY(run(*cron_job, *due, active, stop));
    }
  }
  // A time that was passed over stays due: it starts when the job before it has ended.
  TRY(report(*cron_job, started ? due : std::nullopt));
  const auto next = schedule->next(now());
  if (!next) return LookAgain();
  return LookAgain(std::max<Duration>(*next - now(), std::chrono::milliseconds(10)));
}

// Whether there is a job for that time now.
Result<bool> CronJobController::run(const Json& cron_job,
                                    TimePoint due,
                                    const std::vector<ObjectPtr>& active,
                                    std::stop_token stop) {
  const std::string_view policy = string_at(cron_job, "spec.concurrencyPolicy");
  if (policy == "Forbid" && !active.empty()) {
    events().normal(
        cron_job, "JobAlreadyActive",
        "Not starting job because prior execution is running and concurrency policy is Forbid");
    return false;
  }
  if (policy == "Replace") {
    for (const ObjectPtr& job : active)
      TRY(remove_seen(api(), caches().jobs, *job, stop));
  }
  // The name says the minute, so that no minute can run twice.
  const auto minutes =
      std::chrono::duration_cast<std::chrono::minutes>(due.time_since_epoch()).count();
  Json job = JsonObject{
      {"apiVersion", "batch/v1"},
      {"kind", "Job"},
      {"metadata", JsonObject{{"name", fmt::format("{}-{}", kube::name_of(cron_job), minutes)},
                              {"namespace", kube::namespace_of(cron_job)}}},
      {"spec", *find(cron_job, "spec.jobTemplate.spec")}};
  for (const std::string_view field : {"labels", "annotations"}) {
    if (const Json* value = find(cron_job, fmt::format("spec.jobTemplate.metadata.{}", field))) {
      ensure(job, fmt::format("metadata.{}", field)) = *value;
    }
  }
  kube::set_annotation(job, "batch.kubernetes.io/cronjob-scheduled-timestamp", format_rfc3339(due));
  kube::add_owner_reference(job, kube::owner_reference_to(cron_job, true));
  auto made = create_seen(api(), caches().jobs, std::move(job), name(), std::move(stop));
  if (!made && made.error().is(Code::AlreadyExists)) return true;
  if (!made) return std::move(made).error();
  events().normal(cron_job, "SuccessfulCreate",
                  fmt::format("Created job {}", kube::name_of(*made)));
  return true;
}

Status CronJobController::clean_history(const Json& cron_job,
                                        const std::vector<ObjectPtr>& jobs,
                                        std::stop_token stop) {
  const auto clean = [&](std::string_view condition, std::int64_t kept) -> Status {
    std::vector<ObjectPtr> ended;
    for (const ObjectPtr& job : jobs) {
      if (kube::is_condition_true(*job, condition) && !kube::is_being_deleted(*job))
        ended.push_back(job);
    }
    std::sort(ended.begin(), ended.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
      return string_at(*a, "status.startTime") < string_at(*b, "status.startTime");
    });
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(ended.size()) - kept; ++i) {
      TRY(remove_seen(api(), caches().jobs, *ended[static_cast<std::size_t>(i)], stop));
    }
    return Status();
  };
  TRY(clean("Complete", int_at(cron_job, "spec.successfulJobsHistoryLimit").value_or(3)));
  return clean("Failed", int_at(cron_job, "spec.failedJobsHistoryLimit").value_or(1));
}

Status CronJobController::report(const Json& cron_job, std::optional<TimePoint> scheduled) {
  Json status =
      find(cron_job, "status") != nullptr ? *find(cron_job, "status") : Json(JsonObject());
  if (!status.is_object()) status = JsonObject();
  JsonObject& fields = status.as_object();
  JsonArray active;
  std::string last_success(string_at(status, "lastSuccessfulTime"));
  for (const ObjectPtr& job : jobs_of(cron_job)) {
    if (!is_job_finished(*job)) {
      active.push_back(JsonObject{{"apiVersion", "batch/v1"},
                                  {"kind", "Job"},
                                  {"name", kube::name_of(*job)},
                                  {"namespace", kube::namespace_of(*job)},
                                  {"uid", kube::uid_of(*job)}});
    }
    last_success = std::max(last_success, std::string(string_at(*job, "status.completionTime")));
  }
  fields.erase("active");
  if (!active.empty()) fields["active"] = std::move(active);
  if (!last_success.empty()) fields["lastSuccessfulTime"] = last_success;
  if (scheduled) fields["lastScheduleTime"] = format_rfc3339(*scheduled);
  return write_status(api(), resources::kCronJobs, cron_job, status, name());
}

}  // namespace lateen::sandbox
