#include "cli/tables.h"

#include <algorithm>

#include "base/duration.h"
#include "base/time.h"
#include "server/schedule_decision.h"

namespace lateen::cli {
namespace {

std::string or_else(std::string_view text, std::string_view absent) {
  return std::string(text.empty() ? absent : text);
}

std::string selector_text(const std::optional<model::LabelSelector>& selector) {
  return selector ? selector->format() : "<none>";
}

// "nightly-20261122020000" is ("nightly", the digits); others have no second part.
std::pair<std::string_view, std::string_view> split_scheduled(std::string_view name) {
  constexpr std::size_t kDigits = 14;
  if (name.size() <= kDigits + 1) return {name, {}};
  const std::string_view end = name.substr(name.size() - kDigits);
  const bool digits =
      std::all_of(end.begin(), end.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || name[name.size() - kDigits - 1] != '-') return {name, {}};
  return {name.substr(0, name.size() - kDigits - 1), end};
}

std::string time_or(const std::optional<TimePoint>& t,
                    const Viewpoint& view,
                    std::string_view absent = "<nil>") {
  return t ? format_go_time(*t, view.zone) : std::string(absent);
}

std::string expires(const model::Backup& backup, TimePoint now) {
  std::optional<TimePoint> at = backup.status.expiration;
  if (!at && backup.spec.ttl > Duration::zero() && backup.metadata.creation_timestamp) {
    at = *backup.metadata.creation_timestamp + backup.spec.ttl;
  }
  return at ? human_time_from_now(*at, now) : "n/a";
}

}  // namespace

template <>
Row heading<model::Backup>() {
  return {"NAME",    "STATUS",           "ERRORS",         "WARNINGS", "CREATED",
          "EXPIRES", "STORAGE LOCATION", "QUEUE POSITION", "SELECTOR"};
}

template <>
Row heading<model::Restore>() {
  return {"NAME",   "BACKUP",   "STATUS",  "STARTED", "COMPLETED",
          "ERRORS", "WARNINGS", "CREATED", "SELECTOR"};
}

template <>
Row heading<model::Schedule>() {
  return {"NAME",       "STATUS",      "CREATED",  "SCHEDULE",
          "BACKUP TTL", "LAST BACKUP", "SELECTOR", "PAUSED"};
}

template <>
Row heading<model::BackupStorageLocation>() {
  return {"NAME", "PROVIDER", "BUCKET/PREFIX", "PHASE", "LAST VALIDATED", "ACCESS MODE", "DEFAULT"};
}

template <>
Row heading<model::VolumeSnapshotLocation>() {
  return {"NAME", "PROVIDER"};
}

template <>
Row heading<model::BackupRepository>() {
  return {"NAME", "STATUS", "LAST MAINTENANCE"};
}

Row row(const model::Backup& backup, const Viewpoint& view) {
  std::string status = or_else(backup.status.phase.text(), "New");
  if (backup.metadata.deletion_timestamp) status = "Deleting";
  const std::int64_t position = backup.status.queue_position;
  return {backup.metadata.name,
          status,
          std::to_string(backup.status.errors),
          std::to_string(backup.status.warnings),
          time_or(backup.status.start_timestamp, view),
          expires(backup, view.now),
          backup.spec.storage_location,
          position > 0 ? std::to_string(position) : "",
          selector_text(backup.spec.label_selector)};
}

Row row(const model::Restore& restore, const Viewpoint& view) {
  std::string status = or_else(restore.status.phase.text(), "New");
  if (restore.metadata.deletion_timestamp) status += " (Deleting)";
  return {restore.metadata.name,
          restore.spec.backup_name,
          status,
          time_or(restore.status.start_timestamp, view),
          time_or(restore.status.completion_timestamp, view),
          std::to_string(restore.status.errors),
          std::to_string(restore.status.warnings),
          time_or(restore.metadata.creation_timestamp, view),
          selector_text(restore.spec.label_selector)};
}

Row row(const model::Schedule& schedule, const Viewpoint& view) {
  return {schedule.metadata.name,
          or_else(schedule.status.phase.text(), "New"),
          time_or(schedule.metadata.creation_timestamp, view),
          schedule.spec.schedule,
          format_go_duration(schedule.spec.backup_template.ttl),
          schedule.status.last_backup ? human_time_from_now(*schedule.status.last_backup, view.now)
                                      : "n/a",
          selector_text(schedule.spec.backup_template.label_selector),
          schedule.spec.paused ? "true" : "false"};
}

template <>
Row wide_heading<model::Schedule>() {
  return {"NEXT RUN", "MISSED"};
}

// The next run is what the server says, or what it would say: Velero's does not.
template <>
Row wide_cells(const model::Schedule& schedule, const Viewpoint& view) {
  std::optional<TimePoint> next = schedule.status.next_run;
  if (!next) next = server::next_run(schedule).value_or(std::nullopt);
  if (schedule.spec.paused) next.reset();
  return {time_or(next, view, "n/a"), std::to_string(schedule.status.missed_runs)};
}

Row row(const model::BackupStorageLocation& location, const Viewpoint& view) {
  std::string bucket;
  if (location.spec.object_storage) {
    bucket = location.spec.object_storage->bucket;
    if (!location.spec.object_storage->prefix.empty())
      bucket += "/" + location.spec.object_storage->prefix;
  }
  return {location.metadata.name,
          location.spec.provider,
          bucket,
          or_else(location.status.phase.text(), "Unknown"),
          time_or(location.status.last_validation_time, view, "Unknown"),
          or_else(location.spec.access_mode.text(), "ReadWrite"),
          location.spec.is_default ? "true" : ""};
}

Row row(const model::VolumeSnapshotLocation& location, const Viewpoint&) {
  return {location.metadata.name, location.spec.provider};
}

Row row(const model::BackupRepository& repository, const Viewpoint& view) {
  return {repository.metadata.name, or_else(repository.status.phase.text(), "New"),
          time_or(repository.status.last_maintenance_time, view, "<never>")};
}

void sort_for_display(std::vector<model::Backup>& backups) {
  std::sort(backups.begin(), backups.end(), [](const model::Backup& a, const model::Backup& b) {
    const auto [a_prefix, a_time] = split_scheduled(a.metadata.name);
    const auto [b_prefix, b_time] = split_scheduled(b.metadata.name);
    if (a_prefix == b_prefix && !a_time.empty() && !b_time.empty()) return a_time > b_time;
    return a.metadata.name < b.metadata.name;
  });
}

}  // namespace lateen::cli
