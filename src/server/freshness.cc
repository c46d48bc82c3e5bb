#include "server/freshness.h"

#include <algorithm>

#include "model/include_exclude.h"
#include "model/names.h"
#include "server/schedule_decision.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::BackupPhase;
using model::Schedule;

// So late may a run begin: the controller looks every few seconds, but a former backup may be at
// its end.
constexpr Duration kOverdueAfter = std::chrono::minutes(5);

TimePoint begun_at(const Backup& backup) {
  const auto& time = backup.status.start_timestamp ? backup.status.start_timestamp
                                                   : backup.metadata.creation_timestamp;
  return time.value_or(TimePoint());
}

bool takes_whole_namespaces(const model::BackupSpec& spec) {
  const auto all = [](const model::StringList& included) {
    return included.empty() || included == model::StringList{"*"};
  };
  return !spec.label_selector && spec.or_label_selectors.empty() && all(spec.included_resources) &&
         all(spec.included_namespace_scoped_resources);
}

// Completed ones, the newest first.
std::vector<const Backup*> good_ones(const std::vector<Backup>& backups) {
  std::vector<const Backup*> good;
  for (const Backup& backup : backups) {
    if (backup.status.phase == BackupPhase::Completed) good.push_back(&backup);
  }
  std::sort(good.begin(), good.end(),
            [](const Backup* a, const Backup* b) { return begun_at(*a) > begun_at(*b); });
  return good;
}

ScheduleFreshness freshness_of(const Schedule& schedule,
                               const std::vector<const Backup*>& good,
                               TimePoint now) {
  ScheduleFreshness fresh{.name = schedule.metadata.name};
  const auto last = std::find_if(good.begin(), good.end(), [&schedule](const Backup* backup) {
    return backup->metadata.label(model::labels::kScheduleName) == schedule.metadata.name;
  });
  if (last != good.end()) fresh.last_good = begun_at(**last);
  if (schedule.spec.paused) return fresh;
  const auto next = next_run(schedule);
  if (!next || !*next) return fresh;
  fresh.next_run = **next;
  fresh.interval = expected_interval(schedule, now);
  fresh.overdue = now - **next > kOverdueAfter;
  if (fresh.interval) {
    const TimePoint since =
        fresh.last_good.value_or(schedule.metadata.creation_timestamp.value_or(now));
    fresh.stale = now - since > 2 * *fresh.interval + std::chrono::hours(1);
  }
  return fresh;
}

}  // namespace

Freshness look_at_freshness(const std::vector<Schedule>& schedules,
                            const std::vector<Backup>& backups,
                            const std::vector<std::string>& namespaces,
                            TimePoint now) {
  const std::vector<const Backup*> good = good_ones(backups);
  Freshness freshness;
  for (const Schedule& schedule : schedules)
    freshness.schedules.push_back(freshness_of(schedule, good, now));
  for (const std::string& ns : namespaces)
    freshness.namespaces.push_back({.name = ns});
  std::size_t unknown = namespaces.size();
  for (const Backup* backup : good) {
    if (unknown == 0) break;
    if (!takes_whole_namespaces(backup->spec)) continue;
    const model::IncludeExclude taken(backup->spec.included_namespaces,
                                      backup->spec.excluded_namespaces);
    for (NamespaceFreshness& ns : freshness.namespaces) {
      if (ns.last_good || !taken.should_include(ns.name)) continue;
      ns.last_good = begun_at(*backup);
      --unknown;
    }
  }
  return freshness;
}

std::string why_not_well(const Freshness& freshness,
                         const std::vector<model::BackupStorageLocation>& locations) {
  for (const auto& location : locations) {
    if (location.status.phase == model::LocationPhase::Unavailable)
      return fmt::format("backup storage location {} is unavailable", location.metadata.name);
  }
  for (const ScheduleFreshness& schedule : freshness.schedules) {
    if (schedule.overdue) return fmt::format("schedule {} is overdue", schedule.name);
    if (schedule.stale) return fmt::format("schedule {} has no recent good backup", schedule.name);
  }
  return {};
}

}  // namespace lateen::server
