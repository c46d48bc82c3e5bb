// PodVolumeBackup and PodVolumeRestore: one volume of one pod, copied as files; and what they share
// with DataUpload and DataDownload.
#pragma once

#include <optional>
#include <string>

#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

struct DataProgress {
  std::int64_t total_bytes = 0;
  std::int64_t bytes_done = 0;
  JsonObject unknown = {};

  bool operator==(const DataProgress&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("totalBytes", self.total_bytes);
    visit("bytesDone", self.bytes_done);
  }
};

struct PodVolumeBackupSpec {
  std::string node = {};
  ObjectReference pod = {};
  std::string volume = {};  // the pod's name for it
  std::string backup_storage_location = {};
  std::string repo_identifier = {};  // "" for kopia
  std::string uploader_type = {};    // kopia, restic
  StringMap tags = {};
  StringMap uploader_settings = {};
  bool cancel = false;
  JsonObject unknown = {};

  bool operator==(const PodVolumeBackupSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("node", self.node);
    visit("pod", self.pod);
    visit.always("volume", self.volume);
    visit.always("backupStorageLocation", self.backup_storage_location);
    visit.always("repoIdentifier", self.repo_identifier);
    visit.always("uploaderType", self.uploader_type);
    visit("tags", self.tags);
    visit("uploaderSettings", self.uploader_settings);
    visit("cancel", self.cancel);
  }
};

struct PodVolumeBackupStatus {
  OpenEnum<DataPhase> phase = {};
  std::string path = {};
  std::string snapshot_id = {};
  std::string message = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  DataProgress progress = {};
  std::int64_t incremental_bytes = 0;
  std::optional<TimePoint> accepted_timestamp = {};
  JsonObject unknown = {};

  bool operator==(const PodVolumeBackupStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("path", self.path);
    visit("snapshotID", self.snapshot_id);
    visit("message", self.message);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("progress", self.progress);
    visit("incrementalBytes", self.incremental_bytes);
    visit("acceptedTimestamp", self.accepted_timestamp);
  }
};

struct PodVolumeBackup {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "PodVolumeBackup", .plural = "podvolumebackups"};

  ObjectMeta metadata = {};
  PodVolumeBackupSpec spec = {};
  PodVolumeBackupStatus status = {};
  JsonObject unknown = {};

  bool operator==(const PodVolumeBackup&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

struct PodVolumeRestoreSpec {
  ObjectReference pod = {};
  std::string volume = {};
  std::string backup_storage_location = {};
  std::string repo_identifier = {};
  std::string uploader_type = {};
  std::string snapshot_id = {};
  std::string source_namespace = {};
  StringMap uploader_settings = {};
  bool cancel = false;
  std::int64_t snapshot_size = 0;
  JsonObject unknown = {};

  bool operator==(const PodVolumeRestoreSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("pod", self.pod);
    visit.always("volume", self.volume);
    visit.always("backupStorageLocation", self.backup_storage_location);
    visit.always("repoIdentifier", self.repo_identifier);
    visit.always("uploaderType", self.uploader_type);
    visit.always("snapshotID", self.snapshot_id);
    visit.always("sourceNamespace", self.source_namespace);
    visit("uploaderSettings", self.uploader_settings);
    visit("cancel", self.cancel);
    visit("snapshotSize", self.snapshot_size);
  }
};

struct PodVolumeRestoreStatus {
  OpenEnum<DataPhase> phase = {};
  std::string message = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  DataProgress progress = {};
  std::optional<TimePoint> accepted_timestamp = {};
  std::string node = {};
  JsonObject unknown = {};

  bool operator==(const PodVolumeRestoreStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("message", self.message);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("progress", self.progress);
    visit("acceptedTimestamp", self.accepted_timestamp);
    visit("node", self.node);
  }
};

struct PodVolumeRestore {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "PodVolumeRestore", .plural = "podvolumerestores"};

  ObjectMeta metadata = {};
  PodVolumeRestoreSpec spec = {};
  PodVolumeRestoreStatus status = {};
  JsonObject unknown = {};

  bool operator==(const PodVolumeRestore&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
