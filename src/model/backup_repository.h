// BackupRepository: the deduplicating repository of one (volume namespace, location, type).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

struct BackupRepositorySpec {
  std::string volume_namespace = {};
  std::string backup_storage_location = {};
  std::string repository_type = {};  // kopia, restic
  std::string restic_identifier = {};
  Duration maintenance_frequency = {};
  StringMap repository_config = {};
  JsonObject unknown = {};

  bool operator==(const BackupRepositorySpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("volumeNamespace", self.volume_namespace);
    visit.always("backupStorageLocation", self.backup_storage_location);
    visit.always("repositoryType", self.repository_type);
    visit("resticIdentifier", self.restic_identifier);
    visit.always("maintenanceFrequency", self.maintenance_frequency);
    visit("repositoryConfig", self.repository_config);
  }
};

struct MaintenanceRun {
  std::string result = {};  // Succeeded, Failed
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> complete_timestamp = {};
  std::string message = {};
  JsonObject unknown = {};

  bool operator==(const MaintenanceRun&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("result", self.result);
    visit("startTimestamp", self.start_timestamp);
    visit("completeTimestamp", self.complete_timestamp);
    visit("message", self.message);
  }
};

struct BackupRepositoryStatus {
  OpenEnum<RepositoryPhase> phase = {};
  std::string message = {};
  std::optional<TimePoint> last_maintenance_time = {};
  std::vector<MaintenanceRun> recent_maintenance = {};  // newest last, three at most
  JsonObject unknown = {};

  bool operator==(const BackupRepositoryStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("message", self.message);
    visit("lastMaintenanceTime", self.last_maintenance_time);
    visit("recentMaintenance", self.recent_maintenance);
  }
};

struct BackupRepository {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "BackupRepository", .plural = "backuprepositories"};

  ObjectMeta metadata = {};
  BackupRepositorySpec spec = {};
  BackupRepositoryStatus status = {};
  JsonObject unknown = {};

  bool operator==(const BackupRepository&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
