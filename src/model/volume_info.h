// What happened to each volume: <backup>-volumeinfo.json.gz and <restore>-volumeinfo.json.gz.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/object_meta.h"
#include "model/open_enum.h"

namespace lateen::model {

// How a volume was saved. Absent (Unset) when it was skipped.
enum class VolumeBackupMethod { Unset, NativeSnapshot, PodVolumeBackup, CSISnapshot, Unknown };
enum class VolumeRestoreMethod { Unset, NativeSnapshot, PodVolumeRestore, CSISnapshot, Unknown };
enum class VolumeResult { Unset, Succeeded, Failed, Unknown };

template <>
struct EnumWords<VolumeBackupMethod> {
  using enum VolumeBackupMethod;
  static constexpr EnumWord<VolumeBackupMethod> kWords[] = {{Unset, ""},
                                                            {NativeSnapshot, "NativeSnapshot"},
                                                            {PodVolumeBackup, "PodVolumeBackup"},
                                                            {CSISnapshot, "CSISnapshot"}};
};

template <>
struct EnumWords<VolumeRestoreMethod> {
  using enum VolumeRestoreMethod;
  static constexpr EnumWord<VolumeRestoreMethod> kWords[] = {{Unset, ""},
                                                             {NativeSnapshot, "NativeSnapshot"},
                                                             {PodVolumeRestore, "PodVolumeRestore"},
                                                             {CSISnapshot, "CSISnapshot"}};
};

template <>
struct EnumWords<VolumeResult> {
  using enum VolumeResult;
  static constexpr EnumWord<VolumeResult> kWords[] = {
      {Unset, ""}, {Succeeded, "succeeded"}, {Failed, "failed"}};
};

struct CsiSnapshotInfo {
  std::string snapshot_handle = {};
  std::int64_t size = 0;
  std::string driver = {};
  std::string vsc_name = {};
  std::string operation_id = {};
  std::optional<bool> ready_to_use = {};
  std::string volume_group_snapshot_handle = {};
  JsonObject unknown = {};

  bool operator==(const CsiSnapshotInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("snapshotHandle", self.snapshot_handle);
    visit.always("size", self.size);
    visit.always("driver", self.driver);
    visit.always("vscName", self.vsc_name);
    visit("operationID", self.operation_id);
    visit.always("ReadyToUse", self.ready_to_use);
    visit("volumeGroupSnapshotHandle", self.volume_group_snapshot_handle);
  }
};

struct SnapshotDataMovementInfo {
  std::string data_mover = {};
  std::string uploader_type = {};
  std::string retained_snapshot = {};
  std::string snapshot_handle = {};  // kopia's manifest id
  std::string operation_id = {};
  std::int64_t size = 0;
  std::int64_t incremental_size = 0;
  std::string phase = {};
  JsonObject unknown = {};

  bool operator==(const SnapshotDataMovementInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("dataMover", self.data_mover);
    visit.always("uploaderType", self.uploader_type);
    visit("retainedSnapshot", self.retained_snapshot);
    visit.always("snapshotHandle", self.snapshot_handle);
    visit.always("operationID", self.operation_id);
    visit.always("size", self.size);
    visit("incrementalSize", self.incremental_size);
    visit.always("Phase", self.phase);
  }
};

struct NativeSnapshotInfo {
  std::string snapshot_handle = {};
  std::string volume_type = {};
  std::string volume_az = {};
  std::string iops = {};
  std::string phase = {};
  JsonObject unknown = {};

  bool operator==(const NativeSnapshotInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("snapshotHandle", self.snapshot_handle);
    visit.always("volumeType", self.volume_type);
    visit.always("volumeAZ", self.volume_az);
    visit.always("iops", self.iops);
    visit.always("Phase", self.phase);
  }
};

// `pvbInfo` of a backup, `pvrInfo` of a restore.
struct PodVolumeInfo {
  std::string snapshot_handle = {};
  std::int64_t size = 0;
  std::int64_t incremental_size = 0;
  std::string uploader_type = {};
  std::string volume_name = {};
  std::string pod_name = {};
  std::string pod_namespace = {};
  std::string node_name = {};
  std::string phase = {};
  JsonObject unknown = {};

  bool operator==(const PodVolumeInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("snapshotHandle", self.snapshot_handle);
    visit("size", self.size);
    visit("incrementalSize", self.incremental_size);
    visit.always("uploaderType", self.uploader_type);
    visit.always("volumeName", self.volume_name);
    visit.always("podName", self.pod_name);
    visit.always("podNamespace", self.pod_namespace);
    visit("nodeName", self.node_name);
    visit.always("Phase", self.phase);
  }
};

// Read by the restore's finalizer, which gives a re-provisioned PV what the old one had.
struct PvInfo {
  std::string reclaim_policy = {};
  StringMap labels = {};
  JsonObject unknown = {};

  bool operator==(const PvInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("reclaimPolicy", self.reclaim_policy);
    visit.always("labels", self.labels);
  }
};

struct BackupVolumeInfo {
  std::string pvc_name = {};
  std::string pvc_namespace = {};
  std::string pv_name = {};
  OpenEnum<VolumeBackupMethod> backup_method = {};
  bool snapshot_data_moved = false;
  bool preserve_local_snapshot = false;  // true for a plain CSI snapshot
  bool skipped = false;
  std::string skipped_reason = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  OpenEnum<VolumeResult> result = {};
  std::optional<CsiSnapshotInfo> csi_snapshot_info = {};
  std::optional<SnapshotDataMovementInfo> snapshot_data_movement_info = {};
  std::optional<NativeSnapshotInfo> native_snapshot_info = {};
  std::optional<PodVolumeInfo> pvb_info = {};
  std::optional<PvInfo> pv_info = {};
  JsonObject unknown = {};

  bool operator==(const BackupVolumeInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("pvcName", self.pvc_name);
    visit("pvcNamespace", self.pvc_namespace);
    visit("pvName", self.pv_name);
    visit("backupMethod", self.backup_method);
    visit.always("snapshotDataMoved", self.snapshot_data_moved);
    visit.always("preserveLocalSnapshot", self.preserve_local_snapshot);
    visit.always("skipped", self.skipped);
    visit("skippedReason", self.skipped_reason);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("result", self.result);
    visit("csiSnapshotInfo", self.csi_snapshot_info);
    visit("snapshotDataMovementInfo", self.snapshot_data_movement_info);
    visit("nativeSnapshotInfo", self.native_snapshot_info);
    visit("pvbInfo", self.pvb_info);
    visit("pvInfo", self.pv_info);
  }
};

struct RestoreVolumeInfo {
  std::string pvc_name = {};
  std::string pvc_namespace = {};
  std::string pv_name = {};
  OpenEnum<VolumeRestoreMethod> restore_method = {};
  bool snapshot_data_moved = false;
  std::optional<CsiSnapshotInfo> csi_snapshot_info = {};
  std::optional<SnapshotDataMovementInfo> snapshot_data_movement_info = {};
  std::optional<NativeSnapshotInfo> native_snapshot_info = {};
  std::optional<PodVolumeInfo> pvr_info = {};
  JsonObject unknown = {};

  bool operator==(const RestoreVolumeInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("pvcName", self.pvc_name);
    visit("pvcNamespace", self.pvc_namespace);
    visit("pvName", self.pv_name);
    visit("restoreMethod", self.restore_method);
    visit.always("snapshotDataMoved", self.snapshot_data_moved);
    visit("csiSnapshotInfo", self.csi_snapshot_info);
    visit("snapshotDataMovementInfo", self.snapshot_data_movement_info);
    visit("nativeSnapshotInfo", self.native_snapshot_info);
    visit("pvrInfo", self.pvr_info);
  }
};

}  // namespace lateen::model
