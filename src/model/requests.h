// The kinds by which a client asks the server for something: DeleteBackupRequest, DownloadRequest,
// ServerStatusRequest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

struct DeleteBackupRequestSpec {
  std::string backup_name = {};
  JsonObject unknown = {};

  bool operator==(const DeleteBackupRequestSpec&) const = default;

  static void fields(auto& self, auto& visit) { visit.always("backupName", self.backup_name); }
};

struct DeleteBackupRequestStatus {
  OpenEnum<RequestPhase> phase = {};
  StringList errors = {};
  JsonObject unknown = {};

  bool operator==(const DeleteBackupRequestStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("errors", self.errors);
  }
};

struct DeleteBackupRequest {
  static constexpr KindInfo kKind = {.group = kGroup,
                                     .version = "v1",
                                     .kind = "DeleteBackupRequest",
                                     .plural = "deletebackuprequests"};

  ObjectMeta metadata = {};
  DeleteBackupRequestSpec spec = {};
  DeleteBackupRequestStatus status = {};
  JsonObject unknown = {};

  bool operator==(const DeleteBackupRequest&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

// The documents that can be asked for. objects/layout.h says where each lies.
enum class DownloadTargetKind {
  Unset,
  BackupLog,
  BackupContents,
  BackupVolumeSnapshots,
  BackupItemOperations,
  BackupResourceList,
  BackupResults,
  RestoreLog,
  RestoreResults,
  RestoreResourceList,
  RestoreItemOperations,
  CSIBackupVolumeSnapshots,
  CSIBackupVolumeSnapshotContents,
  BackupVolumeInfos,
  RestoreVolumeInfo,
  BackupArchiveIndex,  // Lateen's own, as all that follow
  BackupCoverage,
  Unknown,
};

template <>
struct EnumWords<DownloadTargetKind> {
  using enum DownloadTargetKind;
  static constexpr EnumWord<DownloadTargetKind> kWords[] = {
      {Unset, ""},
      {BackupLog, "BackupLog"},
      {BackupContents, "BackupContents"},
      {BackupVolumeSnapshots, "BackupVolumeSnapshots"},
      {BackupItemOperations, "BackupItemOperations"},
      {BackupResourceList, "BackupResourceList"},
      {BackupResults, "BackupResults"},
      {RestoreLog, "RestoreLog"},
      {RestoreResults, "RestoreResults"},
      {RestoreResourceList, "RestoreResourceList"},
      {RestoreItemOperations, "RestoreItemOperations"},
      {CSIBackupVolumeSnapshots, "CSIBackupVolumeSnapshots"},
      {CSIBackupVolumeSnapshotContents, "CSIBackupVolumeSnapshotContents"},
      {BackupVolumeInfos, "BackupVolumeInfos"},
      {RestoreVolumeInfo, "RestoreVolumeInfo"},
      {BackupArchiveIndex, "BackupArchiveIndex"},
      {BackupCoverage, "BackupCoverage"},
  };
};

// Whether Velero has no such document, so that it is asked for by document_annotation.h.
constexpr bool is_own_document(DownloadTargetKind kind) {
  return kind == DownloadTargetKind::BackupArchiveIndex ||
         kind == DownloadTargetKind::BackupCoverage;
}

// Whether the target's name is a restore's, not a backup's.
bool is_of_restore(DownloadTargetKind kind);

struct DownloadTarget {
  OpenEnum<DownloadTargetKind> kind = {};
  std::string name = {};
  JsonObject unknown = {};

  bool operator==(const DownloadTarget&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("kind", self.kind);
    visit.always("name", self.name);
  }
};

struct DownloadRequestSpec {
  DownloadTarget target = {};
  JsonObject unknown = {};

  bool operator==(const DownloadRequestSpec&) const = default;

  static void fields(auto& self, auto& visit) { visit("target", self.target); }
};

struct DownloadRequestStatus {
  OpenEnum<RequestPhase> phase = {};
  std::string download_url = {};
  std::optional<TimePoint> expiration = {};
  JsonObject unknown = {};

  bool operator==(const DownloadRequestStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("downloadURL", self.download_url);
    visit("expiration", self.expiration);
  }
};

struct DownloadRequest {
  static constexpr KindInfo kKind = {
      .group = kGroup, .version = "v1", .kind = "DownloadRequest", .plural = "downloadrequests"};

  ObjectMeta metadata = {};
  DownloadRequestSpec spec = {};
  DownloadRequestStatus status = {};
  JsonObject unknown = {};

  bool operator==(const DownloadRequest&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

struct ServerStatusRequestSpec {
  JsonObject unknown = {};

  bool operator==(const ServerStatusRequestSpec&) const = default;

  static void fields(auto&, auto&) {}
};

struct PluginInfo {
  std::string name = {};
  std::string kind = {};
  JsonObject unknown = {};

  bool operator==(const PluginInfo&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("name", self.name);
    visit.always("kind", self.kind);
  }
};

struct ServerStatusRequestStatus {
  OpenEnum<RequestPhase> phase = {};
  std::optional<TimePoint> processed_timestamp = {};
  std::string server_version = {};
  std::vector<PluginInfo> plugins = {};
  JsonObject unknown = {};

  bool operator==(const ServerStatusRequestStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("processedTimestamp", self.processed_timestamp);
    visit("serverVersion", self.server_version);
    visit("plugins", self.plugins);
  }
};

struct ServerStatusRequest {
  static constexpr KindInfo kKind = {.group = kGroup,
                                     .version = "v1",
                                     .kind = "ServerStatusRequest",
                                     .plural = "serverstatusrequests"};

  ObjectMeta metadata = {};
  ServerStatusRequestSpec spec = {};
  ServerStatusRequestStatus status = {};
  JsonObject unknown = {};

  bool operator==(const ServerStatusRequest&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
