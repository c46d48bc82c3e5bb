#include "server/restore_inputs.h"

#include <algorithm>

#include "base/json.h"
#include "model/names.h"
#include "model/native_snapshot.h"
#include "model/pod_volumes.h"

namespace lateen::server {

restore::ResourcePriorities priorities_of(const ServerConfig& config) {
  if (config.restore_resource_priorities.empty()) return restore::default_priorities();
  restore::ResourcePriorities priorities;
  bool high = true;
  for (const std::string& kind : config.restore_resource_priorities) {
    if (kind == "-") {
      high = false;
    } else {
      (high ? priorities.high : priorities.low).push_back(kind);
    }
  }
  return priorities;
}

Result<restore::VersionPreferences> version_preferences(const ServerContext& context,
                                                        std::stop_token stop) {
  const std::vector<std::string>& features = context.config.features;
  if (std::find(features.begin(), features.end(), "EnableAPIGroupVersions") == features.end()) {
    return restore::VersionPreferences();
  }
  const auto config_map = context.client().get({.gvr = {"", "v1", "configmaps"},
                                                .ns = context.cluster.ns(),
                                                .name = "enableapigroupversions"},
                                               {}, stop);
  if (!config_map && !config_map.error().is(Code::NotFound)) return config_map.error();
  const std::string_view wanted =
      config_map ? string_at(*config_map, "data.restoreResourcesVersionPriority") : "";
  return restore::VersionPreferences{.as_velero = true,
                                     .wanted = restore::parse_version_priorities(wanted)};
}

Result<std::vector<model::BackupVolumeInfo>> volume_infos_of(objects::BackupStore& store,
                                                             const std::string& backup,
                                                             std::stop_token stop) {
  auto infos = store.get_volume_infos(backup, stop);
  if (infos || !infos.error().is(Code::NotFound)) return infos;
  std::vector<model::BackupVolumeInfo> found;
  auto copied = store.get_pod_volume_backups(backup, stop);
  if (!copied && !copied.error().is(Code::NotFound)) return std::move(copied).error();
  if (copied) {
    for (const model::PodVolumeBackup& one : *copied) {
      const auto claim = one.metadata.annotations.find(model::annotations::kPvcName);
      if (claim == one.metadata.annotations.end() || one.status.snapshot_id.empty()) continue;
      model::BackupVolumeInfo info;
      info.pvc_namespace = one.spec.pod.ns;
      info.pvc_name = claim->second;
      info.backup_method = model::VolumeBackupMethod::PodVolumeBackup;
      found.push_back(std::move(info));
    }
  }
  auto native = store.get_volume_snapshots(backup, stop);
  if (!native && !native.error().is(Code::NotFound)) return std::move(native).error();
  if (native) {
    for (const model::NativeSnapshot& one : *native) {
      if (one.status.provider_snapshot_id.empty()) continue;
      model::BackupVolumeInfo info;
      info.pv_name = one.spec.persistent_volume_name;
      info.backup_method = model::VolumeBackupMethod::NativeSnapshot;
      found.push_back(std::move(info));
    }
  }
  return found;
}

}  // namespace lateen::server
