#include "server/occurrences.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::server {
namespace {

using kube::EventSeverity;

struct Telling {
  std::string_view plural;
  std::string_view kind;
  std::string_view phase;
  std::string_view type;
  std::string_view reason;
  EventSeverity severity;
  bool event_only = false;
};

constexpr EventSeverity kNormal = EventSeverity::Normal;
constexpr EventSeverity kWarning = EventSeverity::Warning;

constexpr std::array<Telling, 15> kTellings = {{
    {"backups", "Backup", "InProgress", "backup.started", "BackupStarted", kNormal, true},
    {"backups", "Backup", "Completed", "backup.completed", "BackupCompleted", kNormal},
    {"backups", "Backup", "PartiallyFailed", "backup.partiallyfailed", "BackupPartiallyFailed",
     kWarning},
    {"backups", "Backup", "Failed", "backup.failed", "BackupFailed", kWarning},
    {"backups", "Backup", "FailedValidation", "backup.failedvalidation", "BackupFailedValidation",
     kWarning},
    {"backups", "Backup", "Deleting", "backup.deleting", "BackupDeleting", kNormal, true},
    {"restores", "Restore", "InProgress", "restore.started", "RestoreStarted", kNormal, true},
    {"restores", "Restore", "Completed", "restore.completed", "RestoreCompleted", kNormal},
    {"restores", "Restore", "PartiallyFailed", "restore.partiallyfailed", "RestorePartiallyFailed",
     kWarning},
    {"restores", "Restore", "Failed", "restore.failed", "RestoreFailed", kWarning},
    {"restores", "Restore", "FailedValidation", "restore.failedvalidation",
     "RestoreFailedValidation", kWarning},
    {"schedules", "Schedule", "Enabled", "schedule.enabled", "ScheduleEnabled", kNormal, true},
    {"schedules", "Schedule", "FailedValidation", "schedule.failedvalidation",
     "ScheduleFailedValidation", kWarning},
    {"backupstoragelocations", "BackupStorageLocation", "Available", "location.available",
     "LocationAvailable", kNormal},
    {"backupstoragelocations", "BackupStorageLocation", "Unavailable", "location.unavailable",
     "LocationUnavailable", kWarning},
}};

template <typename Fits>
const Telling* find_telling(Fits fits) {
  for (const Telling& telling : kTellings) {
    if (fits(telling)) return &telling;
  }
  return nullptr;
}

// What a program may want of a status.
constexpr std::array<std::string_view, 9> kTold = {
    "phase",         "startTimestamp", "completionTimestamp", "expiration", "errors", "warnings",
    "failureReason", "message",        "validationErrors"};

std::string counts_of(const Json& object) {
  std::string text;
  if (const auto items = int_at(object, "status.progress.itemsBackedUp"))
    text = fmt::format("{} items", *items);
  if (const auto items = int_at(object, "status.progress.itemsRestored"))
    text = fmt::format("{} items", *items);
  const auto add = [&](std::string_view field) {
    const auto count = int_at(object, fmt::format("status.{}", field));
    if (count && *count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", *count, field);
  };
  add("errors");
  add("warnings");
  return text;
}

std::string message_of(const Telling& telling, const Json& object) {
  std::string text = fmt::format("{} {} is {}", telling.kind, kube::name_of(object), telling.phase);
  std::string why(string_at(object, "status.failureReason"));
  if (why.empty()) why = string_at(object, "status.message");
  if (why.empty()) why = join(texts_at(object, "status.validationErrors"), "; ");
  if (why.empty()) why = counts_of(object);
  if (!why.empty()) text += ": " + why;
  return text;
}

}  // namespace

bool may_be_told(std::string_view plural, std::string_view before, std::string_view after) {
  if (before == after) return false;
  // A location that is there for the first time is as it should be.
  if (after == "Available" && before.empty()) return false;
  return find_telling([&](const Telling& telling) {
           return telling.plural == plural && telling.phase == after;
         }) != nullptr;
}

Occurrence occurrence_on(const Json& object, TimePoint now) {
  Occurrence occurrence;
  occurrence.time = now;
  occurrence.id = string_at(object, "metadata.uid");
  ensure(occurrence.object, "apiVersion") = string_at(object, "apiVersion");
  ensure(occurrence.object, "kind") = string_at(object, "kind");
  for (const char* field : {"name", "namespace", "uid", "resourceVersion"}) {
    const std::string path = fmt::format("metadata.{}", field);
    ensure(occurrence.object, path) = string_at(object, path);
  }
  occurrence.data["name"] = kube::name_of(object);
  occurrence.data["namespace"] = kube::namespace_of(object);
  return occurrence;
}

std::optional<Occurrence> occurrence_of(const Json& object,
                                        std::string_view before,
                                        TimePoint now) {
  const std::string_view kind = string_at(object, "kind");
  const std::string_view phase = string_at(object, "status.phase");
  const Telling* telling =
      find_telling([&](const Telling& one) { return one.kind == kind && one.phase == phase; });
  if (telling == nullptr || !may_be_told(telling->plural, before, phase)) return std::nullopt;
  Occurrence occurrence = occurrence_on(object, now);
  occurrence.type = telling->type;
  occurrence.id += fmt::format(".{}", phase);
  // A location may come and go more than once.
  if (telling->plural == "backupstoragelocations")
    occurrence.id += fmt::format(".{}", format_timestamp_suffix(now));
  occurrence.severity = telling->severity;
  occurrence.reason = telling->reason;
  occurrence.message = message_of(*telling, object);
  occurrence.event_only = telling->event_only;
  if (const JsonObject* status = object_at(object, "status")) {
    for (const std::string_view field : kTold) {
      if (const auto* value = status->if_contains(field)) occurrence.data[field] = *value;
    }
  }
  const JsonObject* labels = object_at(object, "metadata.labels");
  const auto* schedule =
      labels == nullptr ? nullptr : labels->if_contains(model::labels::kScheduleName);
  if (schedule != nullptr) occurrence.data["schedule"] = *schedule;
  if (const auto backup = string_at(object, "spec.backupName"); !backup.empty())
    occurrence.data["backup"] = backup;
  if (const auto location = string_at(object, "spec.storageLocation"); !location.empty())
    occurrence.data["storageLocation"] = location;
  return occurrence;
}

}  // namespace lateen::server
