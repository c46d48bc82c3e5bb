// The rules of the checks that look at the cluster's own objects. Pure: `now` is given, and so is
// what was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "assurance/checks.h"
#include "assurance/coverage.h"
#include "assurance/retention.h"
#include "base/clock.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/restore_drill.h"
#include "model/schedule.h"

namespace lateen::assurance {

using CheckResults = std::vector<CheckResult>;

CheckResults check_locations(const std::vector<model::BackupStorageLocation>& locations);

// A schedule with what its cron line and its retention come to.
struct CheckedSchedule {
  model::Schedule schedule = {};
  std::optional<Duration> interval = {};  // the longest between two runs
  std::optional<RetentionPolicy> policy = {};
};

// Enabled, not paused, and with a good backup that is younger than the schedule's interval and an
// hour; and one of a day at most, unless the schedules hold the 23 of the scheme.
CheckResults check_schedules(const std::vector<CheckedSchedule>& schedules,
                             const std::vector<model::Backup>& backups,
                             TimePoint now);

// Of each schedule's backups a good one is there and has not expired; and none will expire before
// the next good one is due.
CheckResults check_last_good(const std::vector<CheckedSchedule>& schedules,
                             const std::vector<model::Backup>& backups,
                             TimePoint now);

// 90 days; the newest run that passed, with what its checks answered.
CheckResults check_drills(const std::vector<model::RestoreDrill>& drills, TimePoint now);

// `server_time`: the API server's, from its last answer. Backups begun in the future say that a
// clock has been set back.
CheckResults check_clock(std::optional<TimePoint> server_time,
                         const std::vector<model::Backup>& backups,
                         TimePoint now);

// So many snapshots are held once every schedule's retention is full.
struct SnapshotForecast {
  std::size_t backups = 0;  // of all schedules
  std::size_t volumes = 0;  // that are snapshotted
  std::size_t quota = 0;    // of the account and region

  std::size_t snapshots() const { return backups * volumes; }
};

SnapshotForecast forecast_snapshots(const std::vector<CheckedSchedule>& schedules,
                                    std::size_t volumes,
                                    std::size_t quota,
                                    TimePoint now);
CheckResults check_quota(const SnapshotForecast& forecast);

// By the profile of each VolumeSnapshotLocation of AWS.
CheckResults check_snapshot_tags(const std::vector<model::VolumeSnapshotLocation>& locations);

// Volumes without a path, and namespaces of people's own that no schedule holds.
CheckResults check_coverage(const CoverageReport& report);

}  // namespace lateen::assurance
