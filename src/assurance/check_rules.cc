#include "assurance/check_rules.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assurance/retention_forecast.h"
#include "base/time.h"
#include "model/names.h"
#include "model/phases.h"

namespace lateen::assurance {
namespace {

using std::chrono::hours;

constexpr Duration kDay = hours(24);
constexpr Duration kGrace = hours(1);
constexpr Duration kDrillAge = hours(24 * 90);
constexpr Duration kClockSkew = std::chrono::minutes(5);
constexpr std::size_t kFewNames = 5;

std::string rounded(Duration duration) {
  const auto h = std::chrono::duration_cast<hours>(duration).count();
  return h >= 48 ? fmt::format("{} days", h / 24) : fmt::format("{} h", h);
}

std::string few(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kFewNames);
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(shown));
  return names.size() <= kFewNames
             ? fmt::format("{}", fmt::join(first, ", "))
             : fmt::format("{} and {} more", fmt::join(first, ", "), names.size() - kFewNames);
}

void check_enabled(const model::Schedule& schedule, CheckResults& results) {
  const std::string& name = schedule.metadata.name;
  if (schedule.status.phase == model::SchedulePhase::FailedValidation) {
    results.push_back(failed(
        "schedule-enabled", name,
        fmt::format("FailedValidation: {}", fmt::join(schedule.status.validation_errors, "; ")),
        fmt::format("lateen schedule describe {}", name)));
  } else if (schedule.spec.paused) {
    results.push_back(warned("schedule-enabled", name, "it is paused: no backups are made",
                             fmt::format("lateen schedule unpause {}", name)));
  } else if (schedule.status.phase != model::SchedulePhase::Enabled) {
    results.push_back(failed("schedule-enabled", name, "no server has looked at it yet",
                             "kubectl -n velero logs deploy/velero"));
  } else {
    results.push_back(
        passed("schedule-enabled", name, fmt::format("Enabled, {}", schedule.spec.schedule)));
  }
}

void check_age(const CheckedSchedule& one,
               const std::optional<LastGood>& last,
               TimePoint now,
               CheckResults& results) {
  const std::string& name = one.schedule.metadata.name;
  const std::string next = fmt::format(
      "lateen backup get -l velero.io/schedule-name={}; then `lateen backup describe` the newest",
      name);
  if (!last) {
    results.push_back(
        failed("schedule-fresh", name, "it has no Completed backup that is still kept", next));
    return;
  }
  const Duration age = now - last->time;
  const std::string evidence = fmt::format("{} is {} old", last->backup, rounded(age));
  const Duration objective = one.interval ? *one.interval + kGrace : kDay;
  if (age > objective) {
    results.push_back(
        failed("schedule-fresh", name,
               fmt::format("{}, and should be {} at most", evidence, rounded(objective)), next));
  } else {
    results.push_back(passed("schedule-fresh", name, evidence));
  }
}

std::optional<std::size_t> held_in_a_year(const std::vector<CheckedSchedule>& schedules,
                                          TimePoint now) {
  constexpr std::size_t kDays = 400;
  std::vector<PlannedSchedule> planned;
  for (const CheckedSchedule& one : schedules) {
    auto cron = CronSchedule::parse(one.schedule.spec.schedule);
    if (!cron || one.schedule.spec.paused) continue;
    const Duration ttl = one.schedule.spec.backup_template.ttl;
    planned.push_back({.name = one.schedule.metadata.name,
                       .cron = std::move(*cron),
                       .policy = one.policy,
                       .ttl = ttl == Duration::zero() ? Duration(hours(720)) : ttl});
  }
  if (planned.empty()) return 0;
  const auto days = forecast_retention(std::move(planned), now, kDays);
  if (!days || days->empty()) return std::nullopt;
  std::size_t most = 0;
  // Once the yearly classes are full.
  for (std::size_t i = days->size() - 31; i < days->size(); ++i)
    most = std::max(most, (*days)[i].held);
  return most;
}

// "row-count: 42 (sql)" of the checks that asked something.
std::string answers_of(const model::DrillRun& run) {
  std::vector<std::string> answers;
  for (const model::DrillCheckResult& check : run.checks) {
    if (check.type == "podsReady" || check.type == "claimsBound") continue;
    answers.push_back(fmt::format("{}: {}", check.name, check.observed));
  }
  return answers.empty() ? std::string("no query was asked") : few(answers);
}

const model::DrillRun* newest_passed(const model::RestoreDrill& drill) {
  const auto at = std::ranges::find_if(drill.status.runs, [](const model::DrillRun& run) {
    return run.phase == model::DrillPhase::Passed;
  });
  return at == drill.status.runs.end() ? nullptr : &*at;
}

}  // namespace

CheckResults check_locations(const std::vector<model::BackupStorageLocation>& locations) {
  CheckResults results;
  if (locations.empty()) {
    results.push_back(failed("location-available", "", "there is no backup storage location",
                             "lateen backup-location create default --provider aws --bucket …"));
  }
  for (const model::BackupStorageLocation& location : locations) {
    const std::string& name = location.metadata.name;
    if (location.status.phase == model::LocationPhase::Available) {
      results.push_back(passed("location-available", name, "Available"));
      continue;
    }
    const std::string message = location.status.message.empty() ? "no server has looked at it yet"
                                                                : location.status.message;
    results.push_back(failed(
        "location-available", name, message,
        fmt::format("lateen check iam --location {}; lateen location check {}", name, name)));
  }
  return results;
}

CheckResults check_schedules(const std::vector<CheckedSchedule>& schedules,
                             const std::vector<model::Backup>& backups,
                             TimePoint now) {
  CheckResults results;
  if (schedules.empty()) {
    results.push_back(
        failed("schedule-enabled", "", "there is no schedule",
               "lateen schedule create nightly --schedule '0 2 * * *' --retention 23"));
    return results;
  }
  std::optional<Duration> youngest;
  for (const CheckedSchedule& one : schedules) {
    check_enabled(one.schedule, results);
    if (one.schedule.spec.paused) continue;
    const auto last = last_good_of(one.schedule.metadata.name, backups, now);
    check_age(one, last, now, results);
    if (last && (!youngest || now - last->time < *youngest)) youngest = now - last->time;
  }
  constexpr std::size_t kScheme = 23;
  if (youngest && *youngest > kDay && held_in_a_year(schedules, now).value_or(0) < kScheme) {
    results.push_back(warned("schedule-fresh", "", "no schedule has a good backup of the last 24 h",
                             "lateen schedule get -o wide"));
  }
  return results;
}

CheckResults check_last_good(const std::vector<CheckedSchedule>& schedules,
                             const std::vector<model::Backup>& backups,
                             TimePoint now) {
  CheckResults results;
  for (const CheckedSchedule& one : schedules) {
    const std::string& name = one.schedule.metadata.name;
    const model::Backup* newest = nullptr;
    for (const model::Backup& backup : backups) {
      if (backup.metadata.label(model::labels::kScheduleName) != name ||
          backup.status.phase != model::BackupPhase::Completed || !backup.status.start_timestamp) {
        continue;
      }
      if (newest == nullptr || *newest->status.start_timestamp < *backup.status.start_timestamp)
        newest = &backup;
    }
    if (newest == nullptr) continue;  // which schedule-fresh says
    const std::string& backup = newest->metadata.name;
    const std::string next = fmt::format(
        "lateen backup create --from-schedule {} --wait; and find out why the later ones failed",
        name);
    const auto& expiration = newest->status.expiration;
    if (expiration && *expiration <= now) {
      results.push_back(failed("last-good-guard", name,
                               fmt::format("{}, the last good one, expired at {}: only the guard "
                                           "(--keep-last-good-backup) keeps it",
                                           backup, format_rfc3339(*expiration)),
                               next));
    } else if (expiration && one.interval && *expiration < now + *one.interval) {
      results.push_back(warned("last-good-guard", name,
                               fmt::format("{}, the last good one, expires at {}, before the next "
                                           "can be relied on",
                                           backup, format_rfc3339(*expiration)),
                               "Give the schedule a longer --ttl, or --retention."));
    } else {
      results.push_back(passed("last-good-guard", name, fmt::format("{} is kept", backup)));
    }
  }
  return results;
}

CheckResults check_drills(const std::vector<model::RestoreDrill>& drills, TimePoint now) {
  constexpr const char* kNext = "lateen drill run; see docs/how-to/drills.md";
  const model::RestoreDrill* best = nullptr;
  for (const model::RestoreDrill& drill : drills) {
    if (drill.status.last_passed &&
        (best == nullptr || *drill.status.last_passed > *best->status.last_passed)) {
      best = &drill;
    }
  }
  CheckResults results;
  if (best == nullptr) {
    results.push_back(
        failed("drill-fresh", "",
               drills.empty() ? "there is no restore drill" : "no drill has ever passed", kNext));
    return results;
  }
  const Duration age = now - *best->status.last_passed;
  const model::DrillRun* run = newest_passed(*best);
  const std::string evidence = fmt::format(
      "{} passed {} ago ({})", best->metadata.name, rounded(age),
      run == nullptr ? std::string("its answers are no longer kept") : answers_of(*run));
  if (age > kDrillAge) {
    results.push_back(failed("drill-fresh", best->metadata.name, evidence, kNext));
  } else {
    results.push_back(passed("drill-fresh", best->metadata.name, evidence));
  }
  for (const model::RestoreDrill& drill : drills) {
    if (drill.status.phase == model::DrillPhase::Failed) {
      results.push_back(warned("drill-fresh", drill.metadata.name, "its newest run failed",
                               fmt::format("lateen drill describe {}", drill.metadata.name)));
    }
  }
  return results;
}

CheckResults check_clock(std::optional<TimePoint> server_time,
                         const std::vector<model::Backup>& backups,
                         TimePoint now) {
  constexpr const char* kNext =
      "Set the clocks by NTP: schedules, expiry, S3's signatures and object lock go by them.";
  CheckResults results;
  std::vector<std::string> ahead;
  for (const model::Backup& backup : backups) {
    if (backup.status.start_timestamp && *backup.status.start_timestamp > now + kClockSkew)
      ahead.push_back(backup.metadata.name);
  }
  if (!ahead.empty()) {
    results.push_back(failed(
        "clock", "backups",
        fmt::format("{} began in the future: the server's clock has jumped", few(ahead)), kNext));
  }
  if (!server_time) {
    results.push_back(warned("clock", "API server", "its answers have no date", kNext));
    return results;
  }
  const Duration skew = *server_time > now ? *server_time - now : now - *server_time;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(skew).count();
  if (skew > kClockSkew) {
    results.push_back(failed("clock", "API server",
                             fmt::format("its clock and this one differ by {} s", seconds), kNext));
  } else {
    results.push_back(passed("clock", "API server", fmt::format("within {} s", seconds + 1)));
  }
  return results;
}

SnapshotForecast forecast_snapshots(const std::vector<CheckedSchedule>& schedules,
                                    std::size_t volumes,
                                    std::size_t quota,
                                    TimePoint now) {
  return {
      .backups = held_in_a_year(schedules, now).value_or(0), .volumes = volumes, .quota = quota};
}

CheckResults check_quota(const SnapshotForecast& forecast) {
  const std::string evidence =
      fmt::format("{} backups of {} volumes will be {} snapshots; the quota is {}",
                  forecast.backups, forecast.volumes, forecast.snapshots(), forecast.quota);
  constexpr const char* kNext =
      "Ask AWS for more (Service Quotas, EBS, \"Snapshots per Region\"), keep fewer backups, or "
      "say "
      "--snapshot-quota if yours is another.";
  constexpr std::size_t kPercent = 100;
  constexpr std::size_t kNearlyFull = 80;
  if (forecast.snapshots() >= forecast.quota)
    return {failed("snapshot-quota", "", evidence, kNext)};
  if (forecast.snapshots() * kPercent >= forecast.quota * kNearlyFull)
    return {warned("snapshot-quota", "", evidence, kNext)};
  return {passed("snapshot-quota", "", evidence)};
}

CheckResults check_snapshot_tags(const std::vector<model::VolumeSnapshotLocation>& locations) {
  CheckResults results;
  for (const model::VolumeSnapshotLocation& location : locations) {
    const std::string& provider = location.spec.provider;
    if (provider != "aws" && provider != "velero.io/aws") continue;
    const auto at = location.spec.config.find("tagProfile");
    if (at != location.spec.config.end() && at->second == "owned") {
      results.push_back(passed("snapshot-tags", location.metadata.name,
                               "snapshots get velero.io/backup=true (tagProfile owned)"));
    } else {
      results.push_back(
          warned("snapshot-tags", location.metadata.name,
                 "velero.io/backup has the backup's name, and CSI snapshots get no tag of ours: "
                 "`--filters Name=tag:velero.io/backup,Values=true` finds none",
                 "Set config.tagProfile: owned; see docs/how-to/ebs-snapshots.md#tags"));
    }
  }
  if (results.empty()) {
    results.push_back(warned("snapshot-tags", "",
                             "there is no VolumeSnapshotLocation of AWS: nobody "
                             "tags the CSI driver's snapshots",
                             "Use a VolumeSnapshotClass with tagSpecification_1: "
                             "velero.io/backup=true; see docs/how-to/ebs-snapshots.md#tags"));
  }
  return results;
}

CheckResults check_coverage(const CoverageReport& report) {
  CheckResults results;
  std::vector<std::string> volumes;
  for (const VolumeCoverage& one : report.volumes) {
    if (one.path == "none" && one.verdict != CoverageVerdict::Platform)
      volumes.push_back(fmt::format("{}/{} ({})", one.ns, one.claim, one.reason));
  }
  if (volumes.empty()) {
    results.push_back(
        passed("volume-paths", "", fmt::format("{} claims have a path", report.volumes.size())));
  } else {
    results.push_back(failed("volume-paths", "", few(volumes), "lateen coverage"));
  }
  std::vector<std::string> namespaces;
  for (const NamespaceCoverage& one : report.namespaces) {
    if (!one.ns.empty() && one.verdict == CoverageVerdict::NotCovered) namespaces.push_back(one.ns);
  }
  if (namespaces.empty()) {
    results.push_back(passed("exclusions", "", "every namespace of people's own is held"));
  } else {
    results.push_back(failed("exclusions", "", fmt::format("no schedule holds {}", few(namespaces)),
                             "lateen audit exclusions SCHEDULE"));
  }
  return results;
}

}  // namespace lateen::assurance
