#include "server/volume_snapshots.h"

#include <algorithm>
#include <map>

#include "model/data_movement.h"
#include "model/names.h"
#include "model/pod_volumes.h"
#include "model/volume_info.h"
#include "server/volume_repositories.h"

namespace lateen::server {
namespace {

void add(std::vector<VolumeSnapshot>& list, VolumeSnapshot one) {
  if (one.snapshot_id.empty()) return;
  if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(std::move(one));
}

VolumeSnapshot of_moved(const model::BackupVolumeInfo& info) {
  const model::SnapshotDataMovementInfo& moved = *info.snapshot_data_movement_info;
  return {.type = moved.uploader_type.empty() ? std::string(volumes::kKopia) : moved.uploader_type,
          .volume_namespace = info.pvc_namespace,
          .snapshot_id = moved.snapshot_handle,
          .pod = {},
          .volume = {},
          .claim = info.pvc_name,
          .moved = true};
}

}  // namespace

VolumeSnapshot snapshot_of(const model::PodVolumeBackup& copy) {
  return {.type = copy.spec.uploader_type.empty() ? std::string(volumes::kRestic)
                                                  : copy.spec.uploader_type,
          .volume_namespace = copy.spec.pod.ns,
          .snapshot_id = copy.status.snapshot_id,
          .pod = copy.spec.pod.name,
          .volume = copy.spec.volume,
          .claim = std::string(copy.metadata.annotation(model::annotations::kPvcName))};
}

VolumeSnapshot snapshot_of(const model::DataUpload& upload) {
  return {.type = std::string(volumes::kKopia),
          .volume_namespace = upload.spec.source_namespace,
          .snapshot_id = upload.status.snapshot_id,
          .pod = {},
          .volume = {},
          .claim = upload.spec.source_pvc,
          .moved = true};
}

Result<std::vector<VolumeSnapshot>> volume_snapshots_of(const model::Backup& backup,
                                                        objects::BackupStore& store,
                                                        const ServerContext& context,
                                                        std::stop_token stop) {
  std::vector<VolumeSnapshot> found;
  const auto copies = store.get_pod_volume_backups(backup.metadata.name, stop);
  if (!copies && !copies.error().is(Code::NotFound)) return copies.error();
  if (copies) {
    for (const model::PodVolumeBackup& copy : *copies)
      add(found, snapshot_of(copy));
  }
  const auto infos = store.get_volume_infos(backup.metadata.name, stop);
  if (!infos && !infos.error().is(Code::NotFound)) return infos.error();
  if (infos) {
    for (const model::BackupVolumeInfo& info : *infos) {
      if (info.snapshot_data_moved && info.snapshot_data_movement_info) add(found, of_moved(info));
    }
  }
  for (const model::PodVolumeBackup& copy : TRY(context.cluster.list<model::PodVolumeBackup>(
           fmt::format("{}={}", model::labels::kBackupUid, backup.metadata.uid), stop)))
    add(found, snapshot_of(copy));
  return found;
}

model::StringList forget_volume_snapshots(const model::Backup& backup,
                                          objects::BackupStore& store,
                                          const ServerContext& context,
                                          const Log& log,
                                          std::stop_token stop) {
  const auto snapshots = volume_snapshots_of(backup, store, context, stop);
  if (!snapshots) return {snapshots.error().message()};
  return forget_snapshots(*snapshots, backup.spec.storage_location, context, log, stop);
}

model::StringList forget_snapshots(const std::vector<VolumeSnapshot>& snapshots,
                                   const std::string& location,
                                   const ServerContext& context,
                                   const Log& log,
                                   std::stop_token stop) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_repository;
  for (const VolumeSnapshot& one : snapshots) {
    if (!one.snapshot_id.empty())
      by_repository[{one.type, one.volume_namespace}].push_back(one.snapshot_id);
  }
  model::StringList errors;
  for (const auto& [where, ids] : by_repository) {
    const Status forgotten = [&]() -> Status {
      auto opened = open_volume_repository(
          context, {.location = location, .volume_namespace = where.second, .type = where.first},
          stop);
      // Where there is no repository, there is nothing to forget.
      if (!opened && opened.error().is(Code::NotFound)) return {};
      return TRY(std::move(opened))->forget(ids, stop);
    }();
    if (forgotten) {
      log.info("Forgot snapshots of volumes' files",
               {{"repository", where.first}, {"namespace", where.second}, {"count", ids.size()}});
    } else {
      errors.push_back(fmt::format("forgetting {} snapshots of volumes of namespace {}: {}",
                                   ids.size(), where.second, forgotten.error().describe()));
    }
  }
  return errors;
}

}  // namespace lateen::server
