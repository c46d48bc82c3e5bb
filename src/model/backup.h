// The Backup kind.
#pragma once

#include <optional>
#include <string>

#include "model/backup_spec.h"
#include "model/hooks.h"
#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

struct BackupProgress {
  std::int64_t total_items = 0;
  std::int64_t items_backed_up = 0;
  JsonObject unknown = {};

  bool operator==(const BackupProgress&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("totalItems", self.total_items);
    visit("itemsBackedUp", self.items_backed_up);
  }
};

struct BackupStatus {
  std::int64_t version = 0;  // deprecated; Velero writes 1
  std::string format_version = {};
  std::optional<TimePoint> expiration = {};
  OpenEnum<BackupPhase> phase = {};
  std::int64_t queue_position = 0;  // from 1, only while Queued
  StringList validation_errors = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  std::int64_t volume_snapshots_attempted = 0;  // native ones; CSI has its own two below
  std::int64_t volume_snapshots_completed = 0;
  std::string failure_reason = {};
  std::int64_t warnings = 0;
  std::int64_t errors = 0;
  std::optional<BackupProgress> progress = {};
  std::int64_t csi_volume_snapshots_attempted = 0;
  std::int64_t csi_volume_snapshots_completed = 0;
  std::int64_t backup_item_operations_attempted = 0;
  std::int64_t backup_item_operations_completed = 0;
  std::int64_t backup_item_operations_failed = 0;
  std::optional<HookStatus> hook_status = {};
  JsonObject unknown = {};

  bool operator==(const BackupStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("version", self.version);
    visit("formatVersion", self.format_version);
    visit("expiration", self.expiration);
    visit("phase", self.phase);
    visit("queuePosition", self.queue_position);
    visit("validationErrors", self.validation_errors);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("volumeSnapshotsAttempted", self.volume_snapshots_attempted);
    visit("volumeSnapshotsCompleted", self.volume_snapshots_completed);
    visit("failureReason", self.failure_reason);
    visit("warnings", self.warnings);
    visit("errors", self.errors);
    visit("progress", self.progress);
    visit("csiVolumeSnapshotsAttempted", self.csi_volume_snapshots_attempted);
    visit("csiVolumeSnapshotsCompleted", self.csi_volume_snapshots_completed);
    visit("backupItemOperationsAttempted", self.backup_item_operations_attempted);
    visit("backupItemOperationsCompleted", self.backup_item_operations_completed);
    visit("backupItemOperationsFailed", self.backup_item_operations_failed);
    visit("hookStatus", self.hook_status);
  }
};

struct Backup {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "Backup", .plural = "backups"};

  ObjectMeta metadata = {};
  BackupSpec spec = {};
  BackupStatus status = {};
  JsonObject unknown = {};

  bool operator==(const Backup&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
