// What happens to a new Backup before it runs: defaults filled in, its locations chosen, everything
// that can be said against it. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "model/backup.h"
#include "model/locations.h"
#include "server/config.h"

namespace lateen::server {

// What the preparation looks at besides the Backup itself.
struct BackupSurroundings {
  std::vector<model::BackupStorageLocation> storage_locations;
  std::vector<model::VolumeSnapshotLocation> snapshot_locations;
  std::vector<std::string>
      excluded_by_label;            // namespaces labelled velero.io/exclude-from-backup=true
  std::string policy_error = {};    // why spec.resourcePolicy cannot be used; empty if it can
  bool policy_has_filters = false;  // the policy has an includeExcludePolicy
  std::string git_version;          // of the API server: "v1.33.1"
  std::string major;
  std::string minor;
};

// Gives the Backup as it is to be stored: with status.validationErrors and phase FailedValidation
// if it cannot run, else InProgress. The texts are Velero's.
model::Backup prepare_backup(model::Backup backup,
                             const BackupSurroundings& surroundings,
                             const ServerConfig& config,
                             TimePoint now);

}  // namespace lateen::server
