// Snapshots of volumes that are not taken through CSI but by asking the storage itself: Velero's
// VolumeSnapshotter in our terms. ebs/ is one; a plugin is adapted to the same face.
//
//   auto snapshotter = TRY(factory.open({.provider = "aws", .config = location.spec.config}));
//   const std::string volume = TRY(snapshotter->volume_id_of(persistent_volume));
//   if (volume.empty()) …                          // not a volume of this storage
//   const StoredVolumeInfo info = TRY(snapshotter->volume_info(volume, az, stop));
//   const std::string id = TRY(snapshotter->create_snapshot(volume, az, tags, stop));
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::volumes {

// What a volume is, besides its data: kept in the backup, given to the restored one.
struct StoredVolumeInfo {
  std::string type = {};                        // "gp3"; empty if the storage has no types
  std::optional<std::int64_t> iops = {};        // as provisioned; none where the type fixes it
  std::optional<std::int64_t> throughput = {};  // MiB/s; Velero's protocol has no room for it

  bool operator==(const StoredVolumeInfo&) const = default;
};

// A volume to be made from a snapshot.
struct VolumeRequest {
  std::string snapshot_id = {};
  std::string az = {};  // of the old volume; a snapshotter may choose another if told to
  StoredVolumeInfo info = {};
  // What the new volume is to be marked with, besides what its snapshot says. A plugin's protocol
  // cannot pass them on.
  model::StringMap tags = {};
};

// Opened for one VolumeSnapshotLocation. Errors say which volume or snapshot, and what the storage
// said. Thread-safe.
class VolumeSnapshotter {
 public:
  VolumeSnapshotter() = default;
  VolumeSnapshotter(const VolumeSnapshotter&) = delete;
  VolumeSnapshotter& operator=(const VolumeSnapshotter&) = delete;
  virtual ~VolumeSnapshotter() = default;

  // The new volume's id.
  virtual Result<std::string> create_volume_from_snapshot(const VolumeRequest& request,
                                                          std::stop_token stop) = 0;

  virtual Result<StoredVolumeInfo> volume_info(std::string_view volume_id,
                                               std::string_view az,
                                               std::stop_token stop) = 0;

  // Returns as soon as the snapshot has its id: the data is fixed then, and may be copied for hours
  // yet. `tags` are Velero's: the Backup's labels, velero.io/backup and velero.io/pv.
  virtual Result<std::string> create_snapshot(std::string_view volume_id,
                                              std::string_view az,
                                              const model::StringMap& tags,
                                              std::stop_token stop) = 0;

  // Snapshots of the volume that create_snapshot() has made with these tags (velero.io/backup and
  // velero.io/pv suffice) not before `since`: what a call has left whose answer never came. None
  // where the protocol has no word for it, as Velero's for plugins.
  virtual Result<std::vector<std::string>> find_snapshots(std::string_view volume_id,
                                                          const model::StringMap& tags,
                                                          TimePoint since,
                                                          std::stop_token stop);

  // Whether the snapshot is there and whole. None where the protocol has no word for it, as
  // Velero's for plugins.
  virtual Result<std::optional<bool>> has_snapshot(std::string_view snapshot_id,
                                                   std::stop_token stop);

  // One that is gone already is fine.
  virtual Status delete_snapshot(std::string_view snapshot_id, std::stop_token stop) = 0;

  // Removes a volume that create_volume_from_snapshot() made and that came to no use. Unsupported
  // where the protocol has no word for it, as Velero's for plugins.
  virtual Status delete_volume(std::string_view volume_id, std::stop_token stop);

  // Marks a snapshot that a CSI driver took in this storage as the backup's, where a location is
  // configured to do so. `content` is its VolumeSnapshotContent.
  virtual Status mark_csi_snapshot(const Json& content,
                                   const model::StringMap& tags,
                                   std::stop_token stop);

  // Which of its volumes a PersistentVolume is; "" if it is none of this storage.
  virtual Result<std::string> volume_id_of(const Json& persistent_volume) = 0;

  // The PersistentVolume with another volume behind it.
  virtual Result<Json> set_volume_id(const Json& persistent_volume, std::string_view volume_id) = 0;
};

}  // namespace lateen::volumes
