#include "backup/volume_tracker.h"

#include <algorithm>
#include <tuple>

#include "kube/object.h"

namespace lateen::backup {
namespace {

model::BackupVolumeInfo info_of(const Json* volume, const Json& claim) {
  model::BackupVolumeInfo info;
  info.pvc_name = kube::name_of(claim);
  info.pvc_namespace = kube::namespace_of(claim);
  if (volume == nullptr) return info;
  info.pv_name = kube::name_of(*volume);
  model::PvInfo pv;
  pv.reclaim_policy = string_at(*volume, "spec.persistentVolumeReclaimPolicy");
  if (const JsonObject* labels = kube::labels_of(*volume)) {
    for (const auto& [key, value] : *labels)
      pv.labels[std::string(key)] = as_text(&value);
  }
  info.pv_info = std::move(pv);
  return info;
}

}  // namespace

void VolumeTracker::choose_for_file_system(std::string_view ns, std::string_view claim) {
  const Lock lock(mu_);
  chosen_.insert(kube::object_key(ns, claim));
}

bool VolumeTracker::is_chosen_for_file_system(std::string_view ns, std::string_view claim) const {
  const Lock lock(mu_);
  return chosen_.count(kube::object_key(ns, claim)) > 0;
}

void VolumeTracker::skip(const Json* volume, const Json& claim, std::string_view reason) {
  model::BackupVolumeInfo info = info_of(volume, claim);
  info.skipped = true;
  info.skipped_reason = reason;
  add(std::move(info));
}

void VolumeTracker::snapshotted(const Json& volume,
                                const Json& claim,
                                const volumes::CsiSnapshot& snapshot,
                                TimePoint started,
                                std::string_view operation_id) {
  model::BackupVolumeInfo info = info_of(&volume, claim);
  info.backup_method = model::VolumeBackupMethod::CSISnapshot;
  info.preserve_local_snapshot = true;
  info.start_timestamp = started;
  info.result = model::VolumeResult::Succeeded;
  model::CsiSnapshotInfo csi;
  csi.snapshot_handle = string_at(snapshot.content, "status.snapshotHandle");
  csi.size = int_at(snapshot.content, "status.restoreSize").value_or(0);
  csi.driver = string_at(snapshot.content, "spec.driver");
  csi.vsc_name = kube::name_of(snapshot.content);
  csi.operation_id = operation_id;
  csi.ready_to_use = bool_at(snapshot.content, "status.readyToUse");
  info.csi_snapshot_info = std::move(csi);
  add(std::move(info));
}

void VolumeTracker::snapshot_failed(const Json& volume, const Json& claim, TimePoint started) {
  model::BackupVolumeInfo info = info_of(&volume, claim);
  info.backup_method = model::VolumeBackupMethod::CSISnapshot;
  info.start_timestamp = started;
  info.completion_timestamp = clock_.now();
  info.result = model::VolumeResult::Failed;
  add(std::move(info));
}

void VolumeTracker::add(model::BackupVolumeInfo info) {
  const Lock lock(mu_);
  if (!told_.insert(kube::object_key(info.pvc_namespace, info.pvc_name)).second) return;
  infos_.push_back(std::move(info));
}

std::vector<model::BackupVolumeInfo> VolumeTracker::infos() const {
  std::vector<model::BackupVolumeInfo> infos;
  {
    const Lock lock(mu_);
    infos = infos_;
  }
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) {
    return std::tuple(!a.skipped, std::string_view(a.pvc_namespace), std::string_view(a.pvc_name)) <
           std::tuple(!b.skipped, std::string_view(b.pvc_namespace), std::string_view(b.pvc_name));
  });
  return infos;
}

}  // namespace lateen::backup
