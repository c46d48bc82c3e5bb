#include "server/drill_controller.h"

#include <algorithm>
#include <set>

#include "assurance/drill.h"
#include "base/cron.h"
#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"
#include "server/drill_run.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/restore_rights.h"
#include "server/run_threads.h"

namespace lateen::server {
namespace {

using model::DrillPhase;
using model::DrillRun;
using model::RestoreDrill;

constexpr std::size_t kMostRuns = 10;
constexpr Duration kDrillLookAgain = std::chrono::seconds(30);
constexpr Duration kDrillAtLeast = std::chrono::milliseconds(200);

// "20261122-020000"; with a number behind it for a second run in one second.
std::string drill_run_id(TimePoint now, const std::vector<DrillRun>& runs) {
  std::string id = format_timestamp_suffix(now);
  id.insert(8, "-");
  const auto same = std::count_if(runs.begin(), runs.end(),
                                  [&id](const DrillRun& run) { return run.id.starts_with(id); });
  return same == 0 ? id : fmt::format("{}-{}", id, same + 1);
}

DrillRun* newest_run(RestoreDrill& drill) {
  return drill.status.runs.empty() ? nullptr : &drill.status.runs.front();
}

bool is_going_on(const RestoreDrill& drill) {
  return !drill.status.runs.empty() && drill.status.runs.front().phase == DrillPhase::InProgress;
}

// When its cron line next asks for a run, from the last one (or its creation) on.
std::optional<TimePoint> next_by_cron(const RestoreDrill& drill) {
  if (drill.spec.schedule.empty()) return std::nullopt;
  const auto cron = CronSchedule::parse(drill.spec.schedule);
  if (!cron) return std::nullopt;
  const auto since =
      drill.status.last_run ? drill.status.last_run : drill.metadata.creation_timestamp;
  return cron->next(since.value_or(TimePoint()));
}

bool is_due(const RestoreDrill& drill, TimePoint now) {
  const std::string_view asked = drill.metadata.annotation(assurance::kRunDrillAnnotation);
  if (!asked.empty() && asked != drill.status.run_requested) return true;
  if (drill.spec.paused) return false;
  if (drill.spec.schedule.empty()) return !drill.status.last_run;
  const auto next = next_by_cron(drill);
  return next && *next <= now;
}

class DrillController final : public Controller {
 public:
  explicit DrillController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "restore-drill"; }

  // Until the next cron line is due, or something has ended that the next may wait for.
  Duration period() const override {
    return threads_busy_ ? Duration(std::chrono::seconds(1)) : until_due_;
  }

  void reconcile(std::stop_token stop) override {
    auto drills = list_all<RestoreDrill>(context_, stop);
    if (!drills) return;
    measure(*drills);
    std::set<std::string> at_work;
    for (const RestoreDrill& drill : *drills) {
      if (stop.stop_requested()) return;
      const Status done = look_at(drill, stop);
      if (!done && !stop.stop_requested() && !was_overtaken(done.error())) {
        context_.log.error("Could not process a RestoreDrill",
                           {{"drill", drill.metadata.name}, {"error", done.error()}});
      }
      if (threads_.is_at_work(drill.metadata.uid))
        at_work.insert(model::valid_name(drill.metadata.name));
    }
    sweep(at_work, stop);
    threads_busy_ = threads_.count() > 0;
    until_due_ = until_due(*drills);
  }

  void wait() override { threads_.wait(); }

 private:
  Duration until_due(const std::vector<RestoreDrill>& drills) const {
    Duration wait = kDrillLookAgain;
    for (const RestoreDrill& drill : drills) {
      const auto next = drill.spec.paused ? std::nullopt : next_by_cron(drill);
      if (next) wait = std::min(wait, *next - context_.clock.now());
    }
    return std::max(wait, kDrillAtLeast);
  }

  void measure(const std::vector<RestoreDrill>& drills) const {
    std::vector<MetricSample> passed;
    std::vector<MetricSample> recovery;
    std::vector<MetricSample> status;
    for (const RestoreDrill& drill : drills) {
      const MetricLabels labels{{"drill", drill.metadata.name}};
      const std::chrono::duration<double> last =
          drill.status.last_passed.value_or(TimePoint()).time_since_epoch();
      passed.push_back({labels, last.count()});
      if (drill.status.runs.empty()) continue;
      const DrillRun& run = drill.status.runs.front();
      if (run.phase == DrillPhase::InProgress) continue;
      status.push_back({labels, run.phase == DrillPhase::Passed ? 1.0 : 0.0});
      if (run.recovery_time)
        recovery.push_back({labels, std::chrono::duration<double>(*run.recovery_time).count()});
    }
    Metrics& metrics = context_.metrics;
    metrics.set_gauges("lateen_drill_last_passed_timestamp_seconds",
                       "When a restore drill last passed, Unix seconds; 0: never", passed);
    metrics.set_gauges("lateen_drill_last_status", "1 if a restore drill's last run passed",
                       status);
    metrics.set_gauges("lateen_drill_recovery_seconds",
                       "How long the last run took from its start to its last check", recovery);
  }

  Status look_at(const RestoreDrill& drill, std::stop_token stop) {
    if (threads_.is_at_work(drill.metadata.uid) || drill.metadata.deletion_timestamp) return {};
    if (is_going_on(drill)) {
      start(drill, abandon_drill, stop);
      return {};
    }
    const model::StringList problems = assurance::drill_problems(drill.spec);
    if (problems != drill.status.validation_errors) {
      TRY(context_.cluster.modify<RestoreDrill>(
          drill.metadata.name,
          [&](RestoreDrill& now) {
            now.status.validation_errors = problems;
            if (!problems.empty()) {
              now.status.phase = DrillPhase::FailedValidation;
            } else if (now.status.phase == DrillPhase::FailedValidation) {
              now.status.phase = DrillPhase::New;
            }
          },
          stop));
      return {};  // comes again with the change
    }
    if (!problems.empty()) return {};
    if (is_due(drill, context_.clock.now())) return begin(drill, stop);
    return note_next(drill, stop);
  }

  Status note_next(const RestoreDrill& drill, std::stop_token stop) {
    RestoreDrill after = drill;
    after.status.next_run = drill.spec.paused ? std::nullopt : next_by_cron(drill);
    if (after.status.phase.empty()) after.status.phase = DrillPhase::New;
    TRY(context_.cluster.update(drill, after, stop));
    return {};
  }

  Status begin(const RestoreDrill& drill, std::stop_token stop) {
    RestoreDrill after = drill;
    const TimePoint now = context_.clock.now();
    DrillRun run{.id = drill_run_id(now, drill.status.runs)};
    run.phase = DrillPhase::InProgress;
    run.start_timestamp = now;
    after.status.phase = DrillPhase::InProgress;
    after.status.last_run = now;
    after.status.run_requested = drill.metadata.annotation(assurance::kRunDrillAnnotation);
    after.status.runs.insert(after.status.runs.begin(), std::move(run));
    if (after.status.runs.size() > kMostRuns) after.status.runs.resize(kMostRuns);
    start(TRY(context_.cluster.update(drill, after, stop)), run_drill, stop);
    return {};
  }

  using Work = Result<DrillRun> (*)(const DrillJob&, std::stop_token);

  void start(const RestoreDrill& drill, Work work, std::stop_token server_stop) {
    threads_.start(
        drill.metadata.uid,
        [this, drill, work](std::stop_token stop) {
          const DrillJob job{.drill = drill,
                             .run = drill.status.runs.front(),
                             .context = context_,
                             .tell = [&](const DrillRun& run) { return write(drill, run, stop); }};
          const auto rights = hold_restore_rights(context_.restore_rights, stop);
          const auto ended = rights ? work(job, stop) : Result<DrillRun>(rights.error());
          if (!ended) {
            if (!stop.stop_requested()) {
              context_.log.error("Could not end a restore drill; trying again",
                                 {{"drill", drill.metadata.name}, {"error", ended.error()}});
            }
            return;
          }
          context_.metrics.count(
              "lateen_drill_runs_total", "Runs of restore drills",
              {{"drill", drill.metadata.name},
               {"result", ended->phase == DrillPhase::Passed ? "passed" : "failed"}});
          const Status written = write(drill, *ended, stop);
          if (!written && !written.error().is(Code::NotFound)) {
            context_.log.error("Could not write a RestoreDrill's status",
                               {{"drill", drill.metadata.name}, {"error", written.error()}});
          }
        },
        std::move(server_stop));
  }

  // NotFound once the drill is gone: its run is given up then, and swept.
  Status write(const RestoreDrill& drill, const DrillRun& run, std::stop_token stop) const {
    TRY(context_.cluster.modify<RestoreDrill>(
        drill.metadata.name,
        [&](RestoreDrill& now) {
          DrillRun* newest = newest_run(now);
          if (now.metadata.uid != drill.metadata.uid || newest == nullptr || newest->id != run.id)
            return;
          *newest = run;
          now.status.phase = run.phase;
          if (run.phase == DrillPhase::Passed) now.status.last_passed = run.completion_timestamp;
          now.status.next_run = now.spec.paused ? std::nullopt : next_by_cron(now);
        },
        stop));
    return {};
  }

  // Namespaces of drills that nobody is at work on: of a drill that was deleted in the middle.
  void sweep(const std::set<std::string>& at_work, std::stop_token stop) {
    const auto list =
        context_.client().list({.gvr = {"", "v1", "namespaces"}},
                               {.label_selector = fmt::format("{}={}", assurance::kDrillServerLabel,
                                                              context_.cluster.ns())},
                               stop);
    const JsonArray* left = list ? array_at(*list, "items") : nullptr;
    if (left == nullptr) return;
    for (const Json& ns : *left) {
      const std::string drill(kube::label_of(ns, assurance::kDrillLabel));
      if (drill.empty() || at_work.count(drill) > 0) continue;
      context_.log.warning("Removing what a restore drill left",
                           {{"drill", drill}, {"namespace", kube::name_of(ns)}});
      const auto rights = hold_restore_rights(context_.restore_rights, stop);
      const Status removed =
          rights ? tear_down_drill(context_, drill, {}, stop) : Status(rights.error());
      if (!removed && !stop.stop_requested()) {
        context_.log.error("Could not remove what a restore drill left",
                           {{"drill", drill}, {"error", removed.error()}});
      }
      return;  // the others on the next round
    }
  }

  const ServerContext context_;
  // This thread's alone.
  bool threads_busy_ = false;
  Duration until_due_ = kDrillLookAgain;
  RunThreads threads_;  // uses all above: goes first
};

}  // namespace

bool serves_drills(const ServerContext& context, std::stop_token stop) {
  return context.client()
      .list(context.cluster.path<RestoreDrill>(), {.limit = 1}, std::move(stop))
      .has_value();
}

std::unique_ptr<Controller> make_drill_controller(const ServerContext& context) {
  return std::make_unique<DrillController>(context);
}

}  // namespace lateen::server
