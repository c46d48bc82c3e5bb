// The Schedule kind: a cron line that makes Backups of a template.
#pragma once

#include <optional>
#include <string>

#include "model/backup_spec.h"
#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

struct ScheduleSpec {
  BackupSpec backup_template = {};
  std::string schedule = {};
  std::optional<bool> use_owner_references_in_backup = {};
  bool paused = false;
  std::optional<bool> skip_immediately = {};
  JsonObject unknown = {};

  bool operator==(const ScheduleSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("template", self.backup_template);
    visit.always("schedule", self.schedule);
    visit("useOwnerReferencesInBackup", self.use_owner_references_in_backup);
    visit("paused", self.paused);
    visit("skipImmediately", self.skip_immediately);
  }
};

struct ScheduleStatus {
  OpenEnum<SchedulePhase> phase = {};
  std::optional<TimePoint> last_backup = {};
  std::optional<TimePoint> last_skipped = {};
  StringList validation_errors = {};
  // Ours; Velero passes them over. Absent while paused, and where the cluster has Velero's own
  // definition of the kind, which drops them.
  std::optional<TimePoint> next_run = {};
  std::int64_t missed_runs = 0;  // so many moments of the cron line got no backup, in all
  JsonObject unknown = {};

  bool operator==(const ScheduleStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("lastBackup", self.last_backup);
    visit("lastSkipped", self.last_skipped);
    visit("validationErrors", self.validation_errors);
    visit("nextRun", self.next_run);
    visit("missedRuns", self.missed_runs);
  }
};

struct Schedule {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "Schedule", .plural = "schedules"};

  ObjectMeta metadata = {};
  ScheduleSpec spec = {};
  ScheduleStatus status = {};
  JsonObject unknown = {};

  bool operator==(const Schedule&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

// "<schedule>-<YYYYMMDDhhmmss>" in UTC, where Velero's pods run.
std::string scheduled_backup_name(std::string_view schedule, TimePoint now);

}  // namespace lateen::model
