// BackupStorageLocation (a bucket) and VolumeSnapshotLocation (a native snapshotter's
// configuration).
#pragma once

#include <optional>
#include <string>

#include "model/names.h"
#include "model/object_meta.h"
#include "model/phases.h"

namespace lateen::model {

// Unset behaves as ReadWrite.
enum class AccessMode { Unset, ReadOnly, ReadWrite, Unknown };

template <>
struct EnumWords<AccessMode> {
  using enum AccessMode;
  static constexpr EnumWord<AccessMode> kWords[] = {
      {Unset, ""}, {ReadOnly, "ReadOnly"}, {ReadWrite, "ReadWrite"}};
};

struct ObjectStorageLocation {
  std::string bucket = {};
  std::string prefix = {};
  std::string ca_cert = {};  // base64 of PEM; excludes ca_cert_ref
  std::optional<SecretKeySelector> ca_cert_ref = {};
  JsonObject unknown = {};

  bool operator==(const ObjectStorageLocation&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("bucket", self.bucket);
    visit("prefix", self.prefix);
    visit("caCert", self.ca_cert);
    visit("caCertRef", self.ca_cert_ref);
  }
};

struct BackupStorageLocationSpec {
  std::string provider = {};
  StringMap config = {};
  std::optional<SecretKeySelector> credential = {};
  std::optional<ObjectStorageLocation> object_storage = {};
  bool is_default = false;
  OpenEnum<AccessMode> access_mode = {};
  std::optional<Duration> backup_sync_period = {};    // zero: never; negative: the server's default
  std::optional<Duration> validation_frequency = {};  // zero: validated once
  JsonObject unknown = {};

  bool operator==(const BackupStorageLocationSpec&) const = default;

  bool is_read_only() const { return access_mode == AccessMode::ReadOnly; }

  static void fields(auto& self, auto& visit) {
    visit.always("provider", self.provider);
    visit("config", self.config);
    visit("credential", self.credential);
    visit.always("objectStorage", self.object_storage);
    visit("default", self.is_default);
    visit("accessMode", self.access_mode);
    visit("backupSyncPeriod", self.backup_sync_period);
    visit("validationFrequency", self.validation_frequency);
  }
};

struct BackupStorageLocationStatus {
  OpenEnum<LocationPhase> phase = {};
  std::optional<TimePoint> last_synced_time = {};
  std::optional<TimePoint> last_validation_time = {};
  std::string message = {};
  std::string last_synced_revision = {};  // deprecated
  OpenEnum<AccessMode> access_mode = {};  // deprecated
  JsonObject unknown = {};

  bool operator==(const BackupStorageLocationStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("phase", self.phase);
    visit("lastSyncedTime", self.last_synced_time);
    visit("lastValidationTime", self.last_validation_time);
    visit("message", self.message);
    visit("lastSyncedRevision", self.last_synced_revision);
    visit("accessMode", self.access_mode);
  }
};

struct BackupStorageLocation {
  static constexpr KindInfo kKind = {.group = kGroup,
                                     .version = "v1",
                                     .kind = "BackupStorageLocation",
                                     .plural = "backupstoragelocations"};

  ObjectMeta metadata = {};
  BackupStorageLocationSpec spec = {};
  BackupStorageLocationStatus status = {};
  JsonObject unknown = {};

  bool operator==(const BackupStorageLocation&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

struct VolumeSnapshotLocationSpec {
  std::string provider = {};
  StringMap config = {};
  std::optional<SecretKeySelector> credential = {};
  JsonObject unknown = {};

  bool operator==(const VolumeSnapshotLocationSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("provider", self.provider);
    visit("config", self.config);
    visit("credential", self.credential);
  }
};

struct VolumeSnapshotLocationStatus {
  OpenEnum<LocationPhase> phase = {};
  JsonObject unknown = {};

  bool operator==(const VolumeSnapshotLocationStatus&) const = default;

  static void fields(auto& self, auto& visit) { visit("phase", self.phase); }
};

struct VolumeSnapshotLocation {
  static constexpr KindInfo kKind = {.group = kGroup,
                                     .version = "v1",
                                     .kind = "VolumeSnapshotLocation",
                                     .plural = "volumesnapshotlocations"};

  ObjectMeta metadata = {};
  VolumeSnapshotLocationSpec spec = {};
  VolumeSnapshotLocationStatus status = {};
  JsonObject unknown = {};

  bool operator==(const VolumeSnapshotLocation&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("metadata", self.metadata);
    visit("spec", self.spec);
    visit("status", self.status);
  }
};

}  // namespace lateen::model
