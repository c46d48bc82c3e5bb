#include "backup/volume_tracker.h"

#include <algorithm>
#include <tuple>

#include "kube/object.h"
#include "model/data_movement.h"
#include "volumes/data_mover.h"
#include "volumes/volume_repository.h"

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

// Of a pod's volume, copied as files.
model::BackupVolumeInfo info_of(const Json& pod, const ChosenPodVolume& volume) {
  model::BackupVolumeInfo info;
  if (volume.claim) {
    info = info_of(volume.persistent_volume ? &*volume.persistent_volume : nullptr, *volume.claim);
  }
  model::PodVolumeInfo copy;
  copy.volume_name = volume.name;
  copy.pod_name = kube::name_of(pod);
  copy.pod_namespace = kube::namespace_of(pod);
  info.pvb_info = std::move(copy);
  return info;
}

std::string copy_key(std::string_view ns, std::string_view pod, std::string_view volume) {
  return fmt::format("{}/{}/{}", ns, pod, volume);
}

std::string why_missed(bool as_files) {
  return as_files ? "no pod of the backup mounts it, so that its files could be read"
                  : "its PersistentVolume is not in the backup";
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

// As Velero writes it: what is known of the snapshot itself is no use once its data are moved.
void VolumeTracker::moving(const Json& volume,
                           const Json& claim,
                           const model::DataUpload& upload,
                           TimePoint started) {
  constexpr const char* kUnknown = "unknown";
  model::BackupVolumeInfo info = info_of(&volume, claim);
  info.backup_method = model::VolumeBackupMethod::CSISnapshot;
  info.snapshot_data_moved = true;
  info.start_timestamp = started;
  info.result = model::VolumeResult::Failed;  // until it is known better
  model::CsiSnapshotInfo csi;
  csi.snapshot_handle = kUnknown;
  csi.vsc_name = kUnknown;
  csi.operation_id = kUnknown;
  csi.driver = upload.spec.csi_snapshot->driver;
  info.csi_snapshot_info = std::move(csi);
  model::SnapshotDataMovementInfo moved;
  moved.data_mover =
      upload.spec.datamover.empty() ? std::string(volumes::kBuiltInMover) : upload.spec.datamover;
  moved.uploader_type = volumes::kKopia;
  moved.operation_id = upload.metadata.label(model::labels::kAsyncOperationId);
  moved.phase = upload.status.phase.text();
  info.snapshot_data_movement_info = std::move(moved);
  add(std::move(info));
}

void VolumeTracker::expect_native(const Json& volume, const Json& claim) {
  expect(volume, claim, false);
}

void VolumeTracker::expect_copy(const Json& volume, const Json& claim) {
  expect(volume, claim, true);
}

void VolumeTracker::expect(const Json& volume, const Json& claim, bool as_files) {
  model::BackupVolumeInfo info = info_of(&volume, claim);
  const Lock lock(mu_);
  const std::string name = info.pv_name;
  expected_.insert_or_assign(name, Expected{.info = std::move(info), .as_files = as_files});
}

bool VolumeTracker::expects_native(std::string_view volume) const {
  const Lock lock(mu_);
  const auto at = expected_.find(volume);
  return at != expected_.end() && !at->second.as_files;
}

bool VolumeTracker::take_for_copy(const Json& claim) {
  const Lock lock(mu_);
  return taken_.insert(kube::object_key(claim)).second;
}

void VolumeTracker::copy_begun(const Json& pod, const ChosenPodVolume& volume) {
  model::BackupVolumeInfo info = info_of(pod, volume);
  info.backup_method = model::VolumeBackupMethod::PodVolumeBackup;
  info.start_timestamp = clock_.now();
  info.result = model::VolumeResult::Failed;  // until it is known better
  const Lock lock(mu_);
  if (volume.claim) tell_anew(info);
  const std::string key = copy_key(kube::namespace_of(pod), kube::name_of(pod), volume.name);
  copies_.insert_or_assign(key, std::move(info));
}

void VolumeTracker::copy_refused(const Json& pod,
                                 const ChosenPodVolume& volume,
                                 std::string_view reason) {
  {
    const Lock lock(mu_);
    copies_.erase(copy_key(kube::namespace_of(pod), kube::name_of(pod), volume.name));
  }
  if (!volume.claim) return;
  model::BackupVolumeInfo info = info_of(pod, volume);
  info.pvb_info.reset();
  info.skipped = true;
  info.skipped_reason = fmt::format("podvolume: {};", reason);
  const Lock lock(mu_);
  tell_anew(info);
  infos_.push_back(std::move(info));
}

// Another pod that mounts the claim may not have been one to copy from, and have been told of.
void VolumeTracker::tell_anew(const model::BackupVolumeInfo& info) {
  const std::string claim = key_of(info);
  told_.insert(claim);
  std::erase_if(infos_, [&claim](const model::BackupVolumeInfo& one) {
    return one.skipped && key_of(one) == claim;
  });
}

void VolumeTracker::copied(const model::PodVolumeBackup& copy) {
  const Lock lock(mu_);
  const auto at = copies_.find(copy_key(copy.spec.pod.ns, copy.spec.pod.name, copy.spec.volume));
  if (at == copies_.end()) return;
  model::BackupVolumeInfo& info = at->second;
  const bool completed = copy.status.phase == model::DataPhase::Completed;
  info.result = completed ? model::VolumeResult::Succeeded : model::VolumeResult::Failed;
  info.start_timestamp = copy.status.start_timestamp;
  info.completion_timestamp = copy.status.completion_timestamp;
  info.pvb_info->snapshot_handle = copy.status.snapshot_id;
  info.pvb_info->size = copy.status.progress.total_bytes;
  info.pvb_info->incremental_size = copy.status.incremental_bytes;
  info.pvb_info->uploader_type = copy.spec.uploader_type;
  info.pvb_info->node_name = copy.spec.node;
  info.pvb_info->phase = copy.status.phase.text();
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

void VolumeTracker::rehearsed(const Json& volume) {
  const model::BackupVolumeInfo info = info_of(volume);
  const Lock lock(mu_);
  told_.insert(key_of(info));
}

void VolumeTracker::add(model::BackupVolumeInfo info) {
  const Lock lock(mu_);
  if (!told_.insert(key_of(info)).second) return;
  infos_.push_back(std::move(info));
}

bool VolumeTracker::is_told(const model::BackupVolumeInfo& info) const {
  return told_.contains(key_of(info));
}

std::vector<std::pair<std::string, std::string>> VolumeTracker::missed() const {
  std::vector<std::pair<std::string, std::string>> names;
  const Lock lock(mu_);
  for (const auto& [name, expected] : expected_) {
    if (!is_told(expected.info)) names.emplace_back(name, why_missed(expected.as_files));
  }
  return names;
}

std::vector<model::BackupVolumeInfo> VolumeTracker::infos() const {
  std::vector<model::BackupVolumeInfo> infos;
  {
    const Lock lock(mu_);
    infos = infos_;
    for (const auto& [key, info] : copies_)
      infos.push_back(info);
    for (const auto& [name, expected] : expected_) {
      if (is_told(expected.info)) continue;
      infos.push_back(expected.info);
      infos.back().skipped = true;
      infos.back().skipped_reason = why_missed(expected.as_files);
    }
  }
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) {
    return std::tie(b.skipped, a.pvc_namespace, a.pvc_name, a.pv_name) <
           std::tie(a.skipped, b.pvc_namespace, b.pvc_name, b.pv_name);
  });
  return infos;
}

}  // namespace lateen::backup
