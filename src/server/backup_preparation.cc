#include "server/backup_preparation.h"

#include <algorithm>
#include <map>

#include "base/duration.h"
#include "model/names.h"
#include "model/spec_validation.h"

namespace lateen::server {
namespace {

void fill_defaults(model::Backup& backup, const ServerConfig& config, TimePoint now) {
  model::BackupSpec& spec = backup.spec;
  backup.status.version = 1;
  backup.status.format_version = model::kBackupFormatVersion;
  if (spec.ttl == Duration::zero()) spec.ttl = config.default_backup_ttl;
  if (spec.volume_group_snapshot_label_key.empty()) {
    spec.volume_group_snapshot_label_key = config.volume_group_snapshot_label_key;
  }
  if (spec.csi_snapshot_timeout == Duration::zero()) {
    spec.csi_snapshot_timeout = config.default_csi_snapshot_timeout;
  }
  if (spec.item_operation_timeout == Duration::zero()) {
    spec.item_operation_timeout = config.default_item_operation_timeout;
  }
  backup.status.expiration = now + spec.ttl;
  if (spec.default_volumes_to_restic == true && !spec.default_volumes_to_fs_backup) {
    spec.default_volumes_to_fs_backup = true;
  }
  if (!spec.default_volumes_to_fs_backup) {
    spec.default_volumes_to_fs_backup = config.default_volumes_to_fs_backup;
  }
  if (!spec.snapshot_move_data) spec.snapshot_move_data = config.default_snapshot_move_data;
}

// Null when it does not exist. `spec.storageLocation` says its name afterwards.
const model::BackupStorageLocation* choose_storage(model::Backup& backup,
                                                   const BackupSurroundings& around,
                                                   const ServerConfig& config) {
  std::string& wanted = backup.spec.storage_location;
  if (wanted.empty()) {
    const auto by_default =
        std::find_if(around.storage_locations.begin(), around.storage_locations.end(),
                     [](const model::BackupStorageLocation& l) { return l.spec.is_default; });
    wanted = by_default != around.storage_locations.end() ? by_default->metadata.name
                                                          : config.default_backup_location;
  }
  for (const model::BackupStorageLocation& location : around.storage_locations) {
    if (location.metadata.name == wanted) return &location;
  }
  return nullptr;
}

void check_storage(model::Backup& backup,
                   const BackupSurroundings& around,
                   const ServerConfig& config) {
  model::StringList& errors = backup.status.validation_errors;
  const bool by_server = backup.spec.storage_location.empty();
  const model::BackupStorageLocation* location = choose_storage(backup, around, config);
  const std::string& name = backup.spec.storage_location;
  backup.metadata.labels[std::string(model::labels::kStorageLocation)] = model::valid_name(name);
  if (location == nullptr) {
    errors.push_back(fmt::format(
        "an existing backup storage location was not specified at backup creation time and the "
        "{} {} {}. Please address this issue (see `velero backup-location -h` for options) and "
        "create a new backup. Error: backupstoragelocations.velero.io \"{}\" not found",
        by_server ? "server default" : "default", name,
        by_server ? "does not exist" : "was not found", name));
    return;
  }
  if (location->spec.is_read_only()) {
    errors.push_back(fmt::format(
        "backup can't be created because backup storage location {} is currently in read-only mode",
        name));
  }
  if (location->status.phase == model::LocationPhase::Unavailable) {
    errors.push_back(fmt::format(
        "backup can't be created because BackupStorageLocation {} is in Unavailable status.",
        name));
  }
}

using ByProvider = std::map<std::string, std::vector<std::string>>;

// One location for each provider: those that are named, the only one of a provider, or the server's
// default.
void choose_snapshot_locations(model::Backup& backup,
                               const BackupSurroundings& around,
                               const ServerConfig& config) {
  if (backup.spec.snapshot_volumes == false) return;
  model::StringList& errors = backup.status.validation_errors;
  std::map<std::string, std::string> chosen;  // provider → location
  for (const std::string& name : backup.spec.volume_snapshot_locations) {
    const auto at = std::find_if(
        around.snapshot_locations.begin(), around.snapshot_locations.end(),
        [&name](const model::VolumeSnapshotLocation& l) { return l.metadata.name == name; });
    if (at == around.snapshot_locations.end()) {
      errors.push_back(fmt::format(
          "a VolumeSnapshotLocation CRD for the location {} with the name specified in the backup "
          "spec needs to be created before this snapshot can be executed. Error: "
          "volumesnapshotlocations.velero.io \"{}\" not found",
          name, name));
      continue;
    }
    const auto [seen, is_new] = chosen.emplace(at->spec.provider, name);
    if (!is_new && seen->second != name) {
      errors.push_back(
          fmt::format("more than one VolumeSnapshotLocation name specified for provider {}: {}; "
                      "unexpected name "
                      "was {}",
                      at->spec.provider, name, seen->second));
    }
  }
  ByProvider others;
  for (const model::VolumeSnapshotLocation& location : around.snapshot_locations) {
    if (chosen.count(location.spec.provider) == 0) {
      others[location.spec.provider].push_back(location.metadata.name);
    }
  }
  for (const auto& [provider, names] : others) {
    const auto by_default = config.default_volume_snapshot_locations.find(provider);
    if (names.size() == 1) {
      chosen[provider] = names.front();
    } else if (by_default != config.default_volume_snapshot_locations.end()) {
      chosen[provider] = by_default->second;
    } else {
      errors.push_back(
          fmt::format("provider {} has more than one possible volume snapshot location, and none "
                      "were specified "
                      "explicitly or as a default",
                      provider));
    }
  }
  backup.spec.volume_snapshot_locations.clear();
  for (const auto& [provider, name] : chosen) {
    backup.spec.volume_snapshot_locations.push_back(name);
  }
  std::sort(backup.spec.volume_snapshot_locations.begin(),
            backup.spec.volume_snapshot_locations.end());
}

void annotate(model::Backup& backup, const BackupSurroundings& around, const ServerConfig& config) {
  namespace names = model::annotations;
  model::StringMap& annotations = backup.metadata.annotations;
  annotations[std::string(names::kSourceClusterGitVersion)] = around.git_version;
  annotations[std::string(names::kSourceClusterMajorVersion)] = around.major;
  annotations[std::string(names::kSourceClusterMinorVersion)] = around.minor;
  annotations[std::string(names::kResourceTimeout)] = format_go_duration(config.resource_timeout);
}

}  // namespace

model::Backup prepare_backup(model::Backup backup,
                             const BackupSurroundings& surroundings,
                             const ServerConfig& config,
                             TimePoint now) {
  fill_defaults(backup, config, now);
  check_storage(backup, surroundings, config);
  choose_snapshot_locations(backup, surroundings, config);
  annotate(backup, surroundings, config);
  for (const std::string& ns : surroundings.excluded_by_label) {
    model::StringList& excluded = backup.spec.excluded_namespaces;
    if (std::find(excluded.begin(), excluded.end(), ns) == excluded.end()) excluded.push_back(ns);
  }
  const model::StringList found = model::validate(backup.spec);
  model::StringList& errors = backup.status.validation_errors;
  errors.insert(errors.end(), found.begin(), found.end());
  if (!surroundings.policy_error.empty()) errors.push_back(surroundings.policy_error);
  if (surroundings.policy_has_filters && model::uses_old_resource_filters(backup.spec)) {
    errors.emplace_back(
        "include-resources, exclude-resources and include-cluster-resources are old filter "
        "parameters.\nThey cannot be used with include-exclude policies.");
  }
  if (backup.spec.included_namespaces.empty()) backup.spec.included_namespaces = {"*"};
  backup.status.queue_position = 0;
  if (!errors.empty()) {
    backup.status.phase = model::BackupPhase::FailedValidation;
    return backup;
  }
  backup.status.phase = model::BackupPhase::InProgress;
  backup.status.start_timestamp = now;
  return backup;
}

}  // namespace lateen::server
