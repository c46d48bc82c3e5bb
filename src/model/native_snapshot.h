// Snapshots that a native (non-CSI) snapshotter made: <backup>-volumesnapshots.json.gz.
#pragma once

#include <optional>
#include <string>

#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

struct NativeSnapshotSpec {
  std::string backup_name = {};
  std::string backup_uid = {};
  std::string location = {};  // the VolumeSnapshotLocation
  std::string persistent_volume_name = {};
  std::string provider_volume_id = {};
  std::string volume_type = {};
  std::string volume_az = {};
  std::optional<std::int64_t> volume_iops = {};
  std::optional<std::int64_t> volume_throughput = {};  // MiB/s; ours, Velero passes over it
  JsonObject unknown = {};

  bool operator==(const NativeSnapshotSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("backupName", self.backup_name);
    visit.always("backupUID", self.backup_uid);
    visit.always("location", self.location);
    visit.always("persistentVolumeName", self.persistent_volume_name);
    visit.always("providerVolumeID", self.provider_volume_id);
    visit.always("volumeType", self.volume_type);
    visit("volumeAZ", self.volume_az);
    visit("volumeIOPS", self.volume_iops);
    visit("volumeThroughput", self.volume_throughput);
  }
};

struct NativeSnapshotStatus {
  std::string provider_snapshot_id = {};
  OpenEnum<OperationPhase> phase = {};  // New, Completed or Failed
  JsonObject unknown = {};

  bool operator==(const NativeSnapshotStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("providerSnapshotID", self.provider_snapshot_id);
    visit("phase", self.phase);
  }
};

struct NativeSnapshot {
  NativeSnapshotSpec spec = {};
  NativeSnapshotStatus status = {};
  JsonObject unknown = {};

  bool operator==(const NativeSnapshot&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
