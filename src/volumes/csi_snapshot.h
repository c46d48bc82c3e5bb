// CSI snapshots through the Kubernetes API: taken of a claim, released at the end of a backup so
// that only the storage's own snapshot stays, and deleted with the backup. The sequence is
// Velero 1.18's.
#pragma once

#include <array>
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace lateen::volumes {

inline const kube::GroupVersionResource kVolumeSnapshots{"snapshot.storage.k8s.io", "v1",
                                                         "volumesnapshots"};
inline const kube::GroupVersionResource kVolumeSnapshotContents{"snapshot.storage.k8s.io", "v1",
                                                                "volumesnapshotcontents"};
inline const kube::GroupVersionResource kVolumeSnapshotClasses{"snapshot.storage.k8s.io", "v1",
                                                               "volumesnapshotclasses"};

// Where a VolumeSnapshotContent names the secret that its driver needs to delete the snapshot: the
// external-snapshotter's annotations, and those that Velero looks for.
using SecretKeys = std::pair<std::string_view, std::string_view>;  // of its name, its namespace
inline constexpr std::array<SecretKeys, 2> kDeletionSecretKeys = {
    SecretKeys{"snapshot.storage.kubernetes.io/deletion-secret-name",
               "snapshot.storage.kubernetes.io/deletion-secret-namespace"},
    SecretKeys{"csi.storage.k8s.io/snapshotter-secret-name",
               "csi.storage.k8s.io/snapshotter-secret-namespace"}};

struct SnapshotRequest {
  Json claim;                  // the PersistentVolumeClaim
  std::string snapshot_class;  // a VolumeSnapshotClass of its driver
  std::string backup_name;     // for the label
  std::string backup_uid;
  Duration timeout;  // spec.csiSnapshotTimeout
};

// A VolumeSnapshot and the VolumeSnapshotContent bound to it, as they are in the cluster.
struct CsiSnapshot {
  Json snapshot;
  Json content;
};

// Creates a VolumeSnapshot (velero-<claim>-…) and waits until the storage has given its handle:
// from then on the data is fixed, though it may not be ready to use yet. After the timeout, or when
// told to stop, what was created is removed again, and the error says what the driver last said.
Result<CsiSnapshot> take_snapshot(kube::Client& client,
                                  const SnapshotRequest& request,
                                  const Log& log,
                                  std::stop_token stop);

// How far a snapshot is, from its VolumeSnapshotContent. status.error of a content that isn't ready
// is final for Velero; that of the VolumeSnapshot alone is taken for temporary, since drivers
// retry.
struct Readiness {
  bool ready = false;
  std::string error;
};

Readiness readiness_of(const Json& content);

// The bound content of a VolumeSnapshot; NotFound when either is gone.
Result<Json> content_of(kube::Client& client, const Json& snapshot, std::stop_token stop);

// Ends the snapshot's life in the cluster and keeps it in the storage: deletionPolicy becomes
// Retain, then both objects go. Both being gone already is success.
Status release_snapshot(kube::Client& client,
                        std::string_view ns,
                        std::string_view name,
                        std::stop_token stop);

// Deletes both objects and, by deletionPolicy Delete, the storage's snapshot.
Status discard_snapshot(kube::Client& client,
                        std::string_view ns,
                        std::string_view name,
                        std::stop_token stop);

// Deletes the storage's snapshot that a released content described (as it lies in the tarball): a
// content of policy Delete is made for its handle and removed at once, so that the driver deletes
// the snapshot. May be repeated, with the same name: nothing is left of a try that was cut short.
Status delete_stored_snapshot(kube::Client& client,
                              const Json& content_in_backup,
                              std::string_view new_name,
                              std::stop_token stop);

}  // namespace lateen::volumes
