#include <algorithm>
#include <map>
#include <set>

#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"
#include "server/announcer.h"
#include "server/freshness.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/missed_runs.h"
#include "server/notifications.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupStorageLocation;
using model::Schedule;

// A server that has just begun lets its schedules catch up before it says that they are behind.
constexpr Duration kAfterStart = std::chrono::minutes(2);

double seconds_of(Duration time) {
  return std::chrono::duration<double>(time).count();
}

// The figures of one kind of thing, named after their label.
class Figures {
 public:
  Figures(std::string label, TimePoint now) : label_(std::move(label)), now_(now) {}

  void add(const std::string& name, const std::optional<TimePoint>& last_good) {
    if (!last_good) return;
    times_.push_back({{{label_, name}}, seconds_of(last_good->time_since_epoch())});
    ages_.push_back({{{label_, name}}, seconds_of(now_ - *last_good)});
  }

  void set(Metrics& metrics) const {
    metrics.set_gauges(fmt::format("lateen_{}_last_good_backup_timestamp_seconds", label_),
                       "When the last completed backup was begun, Unix seconds", times_);
    metrics.set_gauges(fmt::format("lateen_{}_last_good_backup_age_seconds", label_),
                       "How old the last completed backup is, in seconds", ages_);
  }

 private:
  const std::string label_;
  const TimePoint now_;
  std::vector<MetricSample> times_;
  std::vector<MetricSample> ages_;
};

class FreshnessController final : public Controller {
 public:
  explicit FreshnessController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "freshness"; }

  Duration period() const override {
    return std::min<Duration>(std::chrono::minutes(1), context_.config.notifications.ping_period);
  }

  void reconcile(std::stop_token stop) override {
    const auto schedules = list_all<Schedule>(context_, stop);
    const auto backups = list_all<Backup>(context_, stop);
    const auto locations = list_all<BackupStorageLocation>(context_, stop);
    const auto namespaces = list_namespaces(stop);
    if (!schedules || !backups || !locations || !namespaces) return;
    const TimePoint now = context_.clock.now();
    const Freshness freshness = look_at_freshness(*schedules, *backups, *namespaces, now);
    keep_series(*schedules, *backups);
    show(freshness, now);
    if (started_.expired()) tell_overdue(freshness, *schedules, now);
    ping(why_not_well(freshness, *locations), stop);
  }

 private:
  std::optional<std::vector<std::string>> list_namespaces(std::stop_token stop) const {
    const auto list = context_.client().list({.gvr = {"", "v1", "namespaces"}}, {}, stop);
    if (!list) {
      if (!stop.stop_requested())
        context_.log.error("Could not list namespaces", {{"error", list.error()}});
      return std::nullopt;
    }
    std::vector<std::string> names;
    if (const JsonArray* items = array_at(*list, "items")) {
      for (const Json& item : *items)
        names.emplace_back(kube::name_of(item));
    }
    return names;
  }

  // Velero's series of a schedule come with it and go with it.
  void keep_series(const std::vector<Schedule>& schedules, const std::vector<Backup>& backups) {
    std::set<std::string> now;
    for (const Schedule& schedule : schedules)
      now.insert(schedule.metadata.name);
    for (const std::string& name : now) {
      if (seen_.contains(name)) continue;
      context_.metrics.schedule_seen(name, last_good(name, backups));
      count_missed_runs(context_.metrics, name, 0);  // so that rates over it begin at zero
    }
    for (const std::string& name : seen_) {
      if (!now.contains(name)) context_.metrics.schedule_gone(name);
    }
    seen_ = std::move(now);
  }

  static const Backup* last_good(std::string_view schedule, const std::vector<Backup>& backups) {
    const Backup* last = nullptr;
    for (const Backup& backup : backups) {
      if (backup.metadata.label(model::labels::kScheduleName) != schedule) continue;
      if (backup.status.phase != model::BackupPhase::Completed) continue;
      if (last == nullptr ||
          last->status.completion_timestamp < backup.status.completion_timestamp) {
        last = &backup;
      }
    }
    return last;
  }

  void show(const Freshness& freshness, TimePoint now) const {
    Figures of_schedules("schedule", now);
    std::vector<MetricSample> intervals;
    std::vector<MetricSample> next_runs;
    std::vector<MetricSample> overdue;
    for (const ScheduleFreshness& one : freshness.schedules) {
      const MetricLabels labels{{"schedule", one.name}};
      of_schedules.add(one.name, one.last_good);
      if (one.interval) intervals.push_back({labels, seconds_of(*one.interval)});
      if (one.next_run) next_runs.push_back({labels, seconds_of(one.next_run->time_since_epoch())});
      overdue.push_back({labels, one.overdue ? 1.0 : 0.0});
    }
    of_schedules.set(context_.metrics);
    context_.metrics.set_gauges(
        "lateen_schedule_expected_interval_seconds",
        "The longest time between two runs of a schedule that is not paused", intervals);
    context_.metrics.set_gauges("lateen_schedule_next_run_timestamp_seconds",
                                "When a schedule runs next, Unix seconds", next_runs);
    context_.metrics.set_gauges("lateen_schedule_overdue",
                                "1 when a run should have begun five minutes ago and has not",
                                overdue);
    Figures of_namespaces("namespace", now);
    for (const NamespaceFreshness& one : freshness.namespaces)
      of_namespaces.add(one.name, one.last_good);
    of_namespaces.set(context_.metrics);
  }

  // Once for each run.
  void tell_overdue(const Freshness& freshness,
                    const std::vector<Schedule>& schedules,
                    TimePoint now) {
    for (std::size_t i = 0; i < schedules.size(); ++i) {
      const ScheduleFreshness& one = freshness.schedules[i];
      if (!one.overdue) {
        told_.erase(one.name);
        continue;
      }
      if (!one.next_run || told_[one.name] == *one.next_run) continue;
      told_[one.name] = *one.next_run;
      context_.log.warning("A Schedule is overdue",
                           {{"schedule", one.name}, {"due", format_rfc3339(*one.next_run)}});
      if (context_.announcer == nullptr) continue;
      Occurrence overdue = occurrence_on(schedules[i], now);
      overdue.type = "schedule.overdue";
      overdue.id += "." + format_timestamp_suffix(*one.next_run);
      overdue.severity = kube::EventSeverity::Warning;
      overdue.reason = "RunOverdue";
      overdue.message =
          fmt::format("Its run of {} has not begun; a former backup of it may still be running",
                      format_rfc3339(*one.next_run));
      overdue.data["due"] = format_rfc3339(*one.next_run);
      context_.announcer->tell(std::move(overdue));
    }
  }

  void ping(std::string why_not, std::stop_token stop) {
    if (why_not.empty() && context_.notifier != nullptr) context_.notifier->ping(stop);
    if (why_not == why_not_) return;
    if (!why_not.empty())
      context_.log.warning("Backups are not as they should be", {{"reason", why_not}});
    why_not_ = std::move(why_not);
  }

  const ServerContext context_;
  const Deadline started_ = Deadline::after(kAfterStart);
  // This thread's alone.
  std::set<std::string> seen_;
  std::map<std::string, TimePoint> told_;
  std::string why_not_;
};

}  // namespace

std::unique_ptr<Controller> make_freshness_controller(const ServerContext& context) {
  return std::make_unique<FreshnessController>(context);
}

}  // namespace lateen::server
