#include "backup/volume_tracker.h"

#include <algorithm>
#include <tuple>

#include "kube/object.h"

namespace lateen::backup {
namespace {

void add_volume(model::BackupVolumeInfo& info, const Json& volume) {
  info.pv_name = kube::name_of(volume);
  model::PvInfo pv;
  pv.reclaim_policy = string_at(volume, "spec.persistentVolumeReclaimPolicy");
  if (const JsonObject* labels = kube::labels_of(volume)) {
    for (const auto& [key, value] : *labels)
      pv.labels[std::string(key)] = as_text(&value);
  }
  info.pv_info = std::move(pv);
}

model::BackupVolumeInfo info_of(const Json* volume, const Json& claim) {
  model::BackupVolumeInfo info;
  info.pvc_name = kube::name_of(claim);
  info.pvc_namespace = kube::namespace_of(claim);
  if (volume != nullptr) add_volume(info, *volume);
  return info;
}

model::BackupVolumeInfo info_of(const Json& volume) {
  model::BackupVolumeInfo info;
  info.pvc_name = string_at(volume, "spec.claimRef.name");
  info.pvc_namespace = string_at(volume, "spec.claimRef.namespace");
  add_volume(info, volume);
  return info;
}

// By its claim; a volume without one by itself.
std::string key_of(const model::BackupVolumeInfo& info) {
  return info.pvc_name.empty() ? "/" + info.pv_name
                               : kube::object_key(info.pvc_namespace, info.pvc_name);
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

void VolumeTracker::expect_native(const Json& volume, const Json& claim) {
  model::BackupVolumeInfo info = info_of(&volume, claim);
  const Lock lock(mu_);
  const std::string name = info.pv_name;
  expected_.insert_or_assign(name, std::move(info));
}

bool VolumeTracker::expects_native(std::string_view volume) const {
  const Lock lock(mu_);
  return expected_.contains(volume);
}

void VolumeTracker::skip(const Json& volume, std::string_view reason) {
  model::BackupVolumeInfo info = info_of(volume);
  info.skipped = true;
  info.skipped_reason = reason;
  add(std::move(info));
}

void VolumeTracker::native_snapshot(const Json& volume,
                                    const model::NativeSnapshot& snapshot,
                                    TimePoint started) {
  const bool completed = snapshot.status.phase == model::OperationPhase::Completed;
  model::BackupVolumeInfo info = info_of(volume);
  info.backup_method = model::VolumeBackupMethod::NativeSnapshot;
  info.start_timestamp = started;
  info.completion_timestamp = clock_.now();
  info.result = completed ? model::VolumeResult::Succeeded : model::VolumeResult::Failed;
  model::NativeSnapshotInfo native;
  native.snapshot_handle = snapshot.status.provider_snapshot_id;
  native.volume_type = snapshot.spec.volume_type;
  native.volume_az = snapshot.spec.volume_az;
  native.iops = std::to_string(snapshot.spec.volume_iops.value_or(0));
  native.phase = snapshot.status.phase.text();
  info.native_snapshot_info = std::move(native);
  add(std::move(info));
}

void VolumeTracker::add(model::BackupVolumeInfo info) {
  const Lock lock(mu_);
  if (!told_.insert(key_of(info)).second) return;
  infos_.push_back(std::move(info));
}

bool VolumeTracker::is_told(const model::BackupVolumeInfo& info) const {
  return told_.contains(key_of(info));
}

std::vector<std::string> VolumeTracker::missed() const {
  std::vector<std::string> names;
  const Lock lock(mu_);
  for (const auto& [name, info] : expected_) {
    if (!is_told(info)) names.push_back(name);
  }
  return names;
}

std::vector<model::BackupVolumeInfo> VolumeTracker::infos() const {
  std::vector<model::BackupVolumeInfo> infos;
  {
    const Lock lock(mu_);
    infos = infos_;
    for (const auto& [name, info] : expected_) {
      if (is_told(info)) continue;
      infos.push_back(info);
      infos.back().skipped = true;
      infos.back().skipped_reason = "its PersistentVolume is not in the backup";
    }
  }
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) {
    return std::tie(b.skipped, a.pvc_namespace, a.pvc_name, a.pv_name) <
           std::tie(a.skipped, b.pvc_namespace, b.pvc_name, b.pv_name);
  });
  return infos;
}

}  // namespace lateen::backup
