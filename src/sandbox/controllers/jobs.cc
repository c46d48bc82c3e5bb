#include "sandbox/controllers/jobs.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kIndexAnnotation = "batch.kubernetes.io/job-completion-index";

bool is_indexed(const Json& job) {
  return string_at(job, "spec.completionMode") == "Indexed";
}

std::int64_t parallelism_of(const Json& job) {
  return int_at(job, "spec.parallelism").value_or(1);
}

JsonArray conditions_of(const Json& job) {
  const JsonArray* conditions = array_at(job, "status.conditions");
  return conditions != nullptr ? *conditions : JsonArray();
}

std::optional<std::int64_t> index_of(const Json& pod) {
  auto index = parse_int(kube::annotation_of(pod, kIndexAnnotation));
  if (!index) return std::nullopt;
  return *index;
}

// Back-off between failed pods, as kube-controller-manager: 10 s doubled, six minutes at most.
Duration failure_backoff(std::int64_t failures) {
  const std::int64_t seconds =
      std::min<std::int64_t>(360, 10LL << std::min<std::int64_t>(failures - 1, 10));
  return std::chrono::seconds(seconds);
}

std::optional<TimePoint> last_failure(const std::vector<ObjectPtr>& pods) {
  std::optional<TimePoint> out;
  for (const ObjectPtr& pod : pods) {
    if (string_at(*pod, "status.phase") != "Failed") continue;
    const Json* ready = kube::find_condition(*pod, "Ready");
    auto at = parse_rfc3339(ready != nullptr ? string_at(*ready, "lastTransitionTime")
                                             : std::string_view());
    if (at && (!out || *at > *out)) out = *at;
  }
  return out;
}

std::string indexes_text(std::vector<std::int64_t> indexes) {
  std::sort(indexes.begin(), indexes.end());
  std::string out;
  for (std::size_t i = 0; i < indexes.size();) {
    std::size_t end = i;
    while (end + 1 < indexes.size() && indexes[end + 1] == indexes[end] + 1)
      ++end;
    if (!out.empty()) out += ',';
    out += end > i ? fmt::format("{}-{}", indexes[i], indexes[end]) : fmt::format("{}", indexes[i]);
    i = end + 1;
  }
  return out;
}

}  // namespace

bool is_job_finished(const Json& job) {
  return kube::is_condition_true(job, "Complete") || kube::is_condition_true(job, "Failed");
}

JobController::JobController(ControllerContext& context) : Controller(context, "job-controller") {
  follow(caches().jobs);
  follow_owners(caches().pods, "Job");
}

JobController::Tally JobController::tally(const Json& job, const std::vector<ObjectPtr>& pods) {
  Tally out;
  for (const ObjectPtr& pod : pods) {
    const std::string_view phase = string_at(*pod, "status.phase");
    const auto index = index_of(*pod);
    if (phase == "Succeeded") {
      ++out.succeeded;
      if (index) out.done_indexes.push_back(*index);
    } else if (phase == "Failed") {
      ++out.failed;
    } else if (!kube::is_being_deleted(*pod)) {
      out.active.push_back(pod);
      if (index) out.active_indexes.push_back(*index);
      if (is_pod_ready(*pod)) ++out.ready;
    }
  }
  // Pods that somebody has cleared away still count.
  out.succeeded = std::max(out.succeeded, int_at(job, "status.succeeded").value_or(0));
  out.failed = std::max(out.failed, int_at(job, "status.failed").value_or(0));
  return out;
}

Result<LookAgain> JobController::reconcile(const std::string& key, std::stop_token stop) {
  const auto [ns, job_name] = kube::parse_object_key(key);
  const ObjectPtr job = caches().jobs.find(ns, job_name);
  if (!job || kube::is_being_deleted(*job)) return LookAgain();
  if (is_job_finished(*job)) return finish(*job);
  const std::vector<ObjectPtr> pods = TRY(claim_owned(api(), caches().pods, *job, name(), stop));
  const Tally counted = tally(*job, pods);
  const std::int64_t limit = int_at(*job, "spec.backoffLimit").value_or(6);
  if (counted.failed > limit) {
    TRY(end(*job, counted, "Failed", "BackoffLimitExceeded",
            "Job has reached the specified backoff limit", stop));
    return LookAgain();
  }
  const auto deadline = int_at(*job, "spec.activeDeadlineSeconds");
  auto started = parse_rfc3339(string_at(*job, "status.startTime"));
  if (deadline && started && *started + std::chrono::seconds(*deadline) <= now()) {
    TRY(end(*job, counted, "Failed", "DeadlineExceeded",
            "Job was active longer than specified deadline", stop));
    return LookAgain();
  }
  const auto completions = int_at(*job, "spec.completions");
  const bool complete = completions ? counted.succeeded >= *completions
                                    : counted.succeeded > 0 && counted.active.empty();
  if (complete) {
    TRY(end(*job, counted, "Complete", "CompletionsReached",
            "Reached expected number of succeeded pods", stop));
    return LookAgain();
  }
  LookAgain again;
  if (deadline) again = std::chrono::seconds(1);
  const auto failed_at = counted.failed > 0 ? last_failure(pods) : std::nullopt;
  const Duration pause =
      failed_at ? *failed_at + failure_backoff(counted.failed) - now() : Duration::zero();
  if (pause > Duration::zero()) {
    again = again ? std::min(*again, pause) : pause;
  } else {
    TRY(advance(*job, counted, stop));
  }
  TRY(report(*job, counted, conditions_of(*job)));
  return again;
}

Status JobController::advance(const Json& job, const Tally& tally, std::stop_token stop) {
  const auto active = static_cast<std::int64_t>(tally.active.size());
  std::int64_t wanted = parallelism_of(job);
  if (const auto completions = int_at(job, "spec.completions")) {
    wanted = std::min(wanted, *completions - tally.succeeded);
  } else if (tally.succeeded > 0) {
    // A work queue: once one has found it empty, no new ones.
    wanted = active;
  }
  if (bool_at(job, "spec.suspend").value_or(false)) wanted = 0;
  for (std::int64_t i = wanted; i < active; ++i) {
    TRY(remove_seen(api(), caches().pods, *tally.active[static_cast<std::size_t>(i)], stop));
  }
  for (std::int64_t i = 0; i < wanted - active; ++i)
    TRY(make_pod(job, tally, i, stop));
  return Status();
}

Status JobController::make_pod(const Json& job,
                               const Tally& tally,
                               std::int64_t nth,
                               std::stop_token stop) {
  PodName pod_name{.generate_name = fmt::format("{}-", kube::name_of(job))};
  std::optional<std::int64_t> index;
  if (is_indexed(job)) {
    std::int64_t skipped = 0;
    for (std::int64_t i = 0; i < int_at(job, "spec.completions").value_or(1) && !index; ++i) {
      const auto is_in = [i](const std::vector<std::int64_t>& set) {
        return std::find(set.begin(), set.end(), i) != set.end();
      };
      if (!is_in(tally.done_indexes) && !is_in(tally.active_indexes) && skipped++ == nth) index = i;
    }
    if (!index) return Status();
    pod_name.generate_name = fmt::format("{}-{}-", kube::name_of(job), *index);
  }
  Json pod = pod_from_template(job, *find(job, "spec.template"), pod_name);
  if (index) {
    const std::string text = fmt::format("{}", *index);
    kube::set_annotation(pod, kIndexAnnotation, text);
    kube::set_label(pod, kIndexAnnotation, text);
    ensure(pod, "spec.hostname") = fmt::format("{}-{}", kube::name_of(job), *index);
    for (Json& container : ensure(pod, "spec.containers").as_array()) {
      Json& env = ensure(container, "env");
      if (!env.is_array()) env = JsonArray();
      env.as_array().push_back(JsonObject{{"name", "JOB_COMPLETION_INDEX"}, {"value", text}});
    }
  }
  auto made = create_seen(api(), caches().pods, std::move(pod), name(), std::move(stop));
  if (!made) {
    events().warning(job, "FailedCreate",
                     fmt::format("Error creating: {}", made.error().message()));
    return std::move(made).error();
  }
  events().normal(job, "SuccessfulCreate", fmt::format("Created pod: {}", kube::name_of(*made)));
  return Status();
}

Status JobController::end(const Json& job,
                          const Tally& tally,
                          std::string_view condition,
                          std::string_view reason,
                          std::string_view message,
                          std::stop_token stop) {
  for (const ObjectPtr& pod : tally.active)
    TRY(remove_seen(api(), caches().pods, *pod, stop));
  Tally ended = tally;
  ended.active.clear();
  ended.ready = 0;
  JsonArray conditions = conditions_of(job);
  const std::string time = format_rfc3339(now());
  for (const std::string_view type :
       {condition == "Complete" ? std::string_view("SuccessCriteriaMet")
                                : std::string_view("FailureTarget"),
        condition}) {
    conditions.push_back(JsonObject{{"type", type},
                                    {"status", "True"},
                                    {"reason", reason},
                                    {"message", message},
                                    {"lastProbeTime", time},
                                    {"lastTransitionTime", time}});
  }
  if (condition == "Complete") {
    events().normal(job, "Completed", "Job completed");
  } else {
    events().warning(job, reason, message);
  }
  return report(job, ended, std::move(conditions));
}

Status JobController::report(const Json& job, const Tally& tally, JsonArray conditions) {
  Json status = find(job, "status") != nullptr ? *find(job, "status") : Json(JsonObject());
  if (!status.is_object()) status = JsonObject();
  JsonObject& fields = status.as_object();
  if (!fields.contains("startTime") && !bool_at(job, "spec.suspend").value_or(false)) {
    fields["startTime"] = format_rfc3339(now());
  }
  const auto set = [&](std::string_view field, std::int64_t value) {
    if (value > 0) {
      fields[field] = value;
    } else {
      fields.erase(field);
    }
  };
  set("active", static_cast<std::int64_t>(tally.active.size()));
  set("succeeded", tally.succeeded);
  set("failed", tally.failed);
  fields["ready"] = tally.ready;
  if (is_indexed(job)) fields["completedIndexes"] = indexes_text(tally.done_indexes);
  for (const Json& condition : conditions) {
    if (string_at(condition, "type") == "Complete")
      fields["completionTime"] = string_at(condition, "lastTransitionTime");
  }
  if (!conditions.empty()) fields["conditions"] = std::move(conditions);
  return write_status(api(), resources::kJobs, job, status, name());
}

// After its end a job has only to be forgotten, if it says so.
Result<LookAgain> JobController::finish(const Json& job) {
  const auto ttl = int_at(job, "spec.ttlSecondsAfterFinished");
  if (!ttl) return LookAgain();
  const Json* end =
      kube::find_condition(job, kube::is_condition_true(job, "Complete") ? "Complete" : "Failed");
  auto at = parse_rfc3339(string_at(*end, "lastTransitionTime"));
  if (!at) return LookAgain();
  const Duration left = *at + std::chrono::seconds(*ttl) - now();
  if (left > Duration::zero()) return LookAgain(left);
  auto removed = api().remove(resources::kJobs, kube::namespace_of(job), kube::name_of(job),
                              delete_exactly(kube::uid_of(job)));
  if (!removed && !removed.error().is(Code::NotFound)) return Error(removed.error());
  return LookAgain();
}

}  // namespace lateen::sandbox
