#include "server/collection_decision.h"

#include <optional>
#include <set>

#include "model/names.h"
#include "model/phases.h"

namespace lateen::server {

using model::Backup;
using model::BackupPhase;
using model::Schedule;

namespace {

TimePoint begun(const Backup& backup) {
  const auto& time = backup.status.start_timestamp ? backup.status.start_timestamp
                                                   : backup.metadata.creation_timestamp;
  return time.value_or(TimePoint());
}

// What there is of one schedule's backups.
struct Latest {
  const Backup* good = nullptr;
  bool failed_since = false;
};

// The last good backups that nothing good has followed, though something should have.
std::set<std::string_view> last_good_ones(const std::vector<Schedule>& schedules,
                                          const std::vector<Backup>& backups) {
  std::map<std::string_view, Latest> by_schedule;
  for (const Backup& backup : backups) {
    const std::string_view schedule = backup.metadata.label(model::labels::kScheduleName);
    if (schedule.empty() || backup.status.phase != BackupPhase::Completed) continue;
    Latest& latest = by_schedule[schedule];
    if (latest.good == nullptr || begun(*latest.good) < begun(backup)) latest.good = &backup;
  }
  for (const Backup& backup : backups) {
    const auto latest = by_schedule.find(backup.metadata.label(model::labels::kScheduleName));
    if (latest == by_schedule.end() || backup.status.phase == BackupPhase::Deleting) continue;
    if (model::is_terminal(backup.status.phase.value()) &&
        begun(*latest->second.good) < begun(backup)) {
      latest->second.failed_since = true;
    }
  }
  // What failed may have expired by now; the Schedule remembers that it ran.
  for (const Schedule& schedule : schedules) {
    const auto latest = by_schedule.find(schedule.metadata.name);
    if (latest != by_schedule.end() && schedule.status.last_backup > begun(*latest->second.good))
      latest->second.failed_since = true;
  }
  std::set<std::string_view> names;
  for (const auto& [schedule, latest] : by_schedule) {
    if (latest.failed_since) names.insert(latest.good->metadata.name);
  }
  return names;
}

}  // namespace

Collectable decide_collection(const std::vector<Schedule>& schedules,
                              const std::vector<Backup>& backups,
                              const RetentionView& retained,
                              TimePoint now,
                              bool keep_last_good) {
  Collectable collectable;
  const std::set<std::string_view> kept =
      keep_last_good ? last_good_ones(schedules, backups) : std::set<std::string_view>();
  for (const Backup& backup : backups) {
    // One in Deleting too: its deletion may have failed, and is asked for again.
    if (!model::is_terminal(backup.status.phase.value())) continue;
    const std::string& name = backup.metadata.name;
    if (const auto verdict = retained.find(name); verdict != retained.end()) {
      if (!verdict->second)
        collectable[name] = "its Schedule's retention does not hold it any more";
      continue;
    }
    const bool expired = backup.status.expiration && now >= *backup.status.expiration;
    if (expired && !kept.contains(name)) collectable[name] = "it has expired";
  }
  return collectable;
}

}  // namespace lateen::server
