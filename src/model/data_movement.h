// DataUpload and DataDownload (velero.io/v2alpha1): a CSI snapshot's data on its way to and from
// the repository.
#pragma once

#include <optional>
#include <string>

#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"
#include "model/pod_volumes.h"

namespace lateen::model {

struct CsiSnapshotSpec {
  std::string volume_snapshot = {};
  std::string storage_class = {};
  std::string snapshot_class = {};
  std::string driver = {};
  JsonObject unknown = {};

  bool operator==(const CsiSnapshotSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("volumeSnapshot", self.volume_snapshot);
    visit.always("storageClass", self.storage_class);
    visit("snapshotClass", self.snapshot_class);
    visit("driver", self.driver);
  }
};

struct DataUploadSpec {
  std::string snapshot_type = {};  // CSI
  std::optional<CsiSnapshotSpec> csi_snapshot = {};
  std::string source_pvc = {};
  std::string datamover = {};
  std::string backup_storage_location = {};
  std::string source_namespace = {};
  StringMap data_mover_config = {};
  bool cancel = false;
  Duration operation_timeout = {};
  JsonObject unknown = {};

  bool operator==(const DataUploadSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("snapshotType", self.snapshot_type);
    visit("csiSnapshot", self.csi_snapshot);
    visit.always("sourcePVC", self.source_pvc);
    visit("datamover", self.datamover);
    visit.always("backupStorageLocation", self.backup_storage_location);
    visit.always("sourceNamespace", self.source_namespace);
    visit("dataMoverConfig", self.data_mover_config);
    visit("cancel", self.cancel);
    visit.always("operationTimeout", self.operation_timeout);
  }
};

struct DataUploadStatus {
  OpenEnum<DataPhase> phase = {};
  std::string path = {};
  std::string snapshot_id = {};
  StringMap data_mover_result = {};
  std::string message = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  DataProgress progress = {};
  std::int64_t incremental_bytes = 0;
  std::string node = {};
  std::string node_os = {};  // auto, linux, windows
  std::string accepted_by_node = {};
  std::optional<TimePoint> accepted_timestamp = {};
  JsonObject unknown = {};

  bool operator==(const DataUploadStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("path", self.path);
    visit("snapshotID", self.snapshot_id);
    visit("dataMoverResult", self.data_mover_result);
    visit("message", self.message);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("progress", self.progress);
    visit("incrementalBytes", self.incremental_bytes);
    visit("node", self.node);
    visit("nodeOS", self.node_os);
    visit("acceptedByNode", self.accepted_by_node);
    visit("acceptedTimestamp", self.accepted_timestamp);
  }
};

struct DataUpload {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v2alpha1", .kind = "DataUpload", .plural = "datauploads"};

  ObjectMeta metadata = {};
  DataUploadSpec spec = {};
  DataUploadStatus status = {};
  JsonObject unknown = {};

  bool operator==(const DataUpload&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

struct TargetVolumeSpec {
  std::string pvc = {};
  std::string pv = {};
  std::string ns = {};
  JsonObject unknown = {};

  bool operator==(const TargetVolumeSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("pvc", self.pvc);
    visit.always("pv", self.pv);
    visit.always("namespace", self.ns);
  }
};

struct DataDownloadSpec {
  TargetVolumeSpec target_volume = {};
  std::string backup_storage_location = {};
  std::string datamover = {};
  std::string snapshot_id = {};
  std::string source_namespace = {};
  StringMap data_mover_config = {};
  bool cancel = false;
  Duration operation_timeout = {};
  std::string node_os = {};
  std::int64_t snapshot_size = 0;
  JsonObject unknown = {};

  bool operator==(const DataDownloadSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("targetVolume", self.target_volume);
    visit.always("backupStorageLocation", self.backup_storage_location);
    visit("datamover", self.datamover);
    visit.always("snapshotID", self.snapshot_id);
    visit.always("sourceNamespace", self.source_namespace);
    visit("dataMoverConfig", self.data_mover_config);
    visit("cancel", self.cancel);
    visit.always("operationTimeout", self.operation_timeout);
    visit("nodeOS", self.node_os);
    visit("snapshotSize", self.snapshot_size);
  }
};

struct DataDownloadStatus {
  OpenEnum<DataPhase> phase = {};
  std::string message = {};
  std::optional<TimePoint> start_timestamp = {};
  std::optional<TimePoint> completion_timestamp = {};
  DataProgress progress = {};
  std::string node = {};
  std::string accepted_by_node = {};
  std::optional<TimePoint> accepted_timestamp = {};
  JsonObject unknown = {};

  bool operator==(const DataDownloadStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("message", self.message);
    visit("startTimestamp", self.start_timestamp);
    visit("completionTimestamp", self.completion_timestamp);
    visit("progress", self.progress);
    visit("node", self.node);
    visit("acceptedByNode", self.accepted_by_node);
    visit("acceptedTimestamp", self.accepted_timestamp);
  }
};

struct DataDownload {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v2alpha1", .kind = "DataDownload", .plural = "datadownloads"};

  ObjectMeta metadata = {};
  DataDownloadSpec spec = {};
  DataDownloadStatus status = {};
  JsonObject unknown = {};

  bool operator==(const DataDownload&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

// What a restore hands from a DataUpload to the DataDownload of the same volume, in a ConfigMap's
// value.
struct DataUploadResult {
  std::string backup_storage_location = {};
  std::string datamover = {};
  std::string snapshot_id = {};
  std::string source_namespace = {};
  StringMap data_mover_result = {};
  std::string node_os = {};
  std::int64_t snapshot_size = 0;
  JsonObject unknown = {};

  bool operator==(const DataUploadResult&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("backupStorageLocation", self.backup_storage_location);
    visit("datamover", self.datamover);
    visit.always("snapshotID", self.snapshot_id);
    visit.always("sourceNamespace", self.source_namespace);
    visit("dataMoverResult", self.data_mover_result);
    visit("nodeOS", self.node_os);
    visit("snapshotSize", self.snapshot_size);
  }
};

}  // namespace lateen::model
