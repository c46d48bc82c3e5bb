// The labels, annotations, finalizers and derived names of velero.io, each by one name.
#pragma once

#include <string>
#include <string_view>

namespace lateen::model {

inline constexpr std::string_view kGroup = "velero.io";
inline constexpr std::string_view kDefaultNamespace = "velero";
inline constexpr std::string_view kBackupFormatVersion = "1.1.0";

namespace labels {
inline constexpr std::string_view kBackupName =
    "velero.io/backup-name";  // value: valid_name(backup)
inline constexpr std::string_view kBackupUid = "velero.io/backup-uid";
inline constexpr std::string_view kRestoreName =
    "velero.io/restore-name";  // value: valid_name(restore)
inline constexpr std::string_view kRestoreUid = "velero.io/restore-uid";
inline constexpr std::string_view kScheduleName = "velero.io/schedule-name";
inline constexpr std::string_view kStorageLocation =
    "velero.io/storage-location";  // value: valid_name(location)
inline constexpr std::string_view kVolumeNamespace = "velero.io/volume-namespace";
inline constexpr std::string_view kRepositoryType = "velero.io/repository-type";
inline constexpr std::string_view kPodUid = "velero.io/pod-uid";
inline constexpr std::string_view kPvcUid = "velero.io/pvc-uid";
inline constexpr std::string_view kAsyncOperationId = "velero.io/async-operation-id";
inline constexpr std::string_view kDataUpload = "velero.io/data-upload";
inline constexpr std::string_view kDataDownload = "velero.io/data-download";
inline constexpr std::string_view kPodVolumeBackup = "velero.io/pod-volume-backup";
inline constexpr std::string_view kPodVolumeRestore = "velero.io/pod-volume-restore";
inline constexpr std::string_view kExposerPodGroup = "velero.io/exposer-pod-group";
inline constexpr std::string_view kExposeOnGoing = "velero.io/expose-on-going";
inline constexpr std::string_view kDataUploadSnapshotInfo = "velero.io/data-upload-snapshot-info";
inline constexpr std::string_view kDynamicPvRestore = "velero.io/dynamic-pv-restore";
inline constexpr std::string_view kPvcNamespaceName = "velero.io/pvc-namespace-name";
inline constexpr std::string_view kResourceUsage = "velero.io/resource-usage";
inline constexpr std::string_view kVolumeSnapshotName = "velero.io/volume-snapshot-name";
inline constexpr std::string_view kVolumeGroup = "velero.io/volume-group";
inline constexpr std::string_view kExcludeFromBackup = "velero.io/exclude-from-backup";
inline constexpr std::string_view kGcFailure = "velero.io/gc-failure";
inline constexpr std::string_view kVolumeSnapshotClass = "velero.io/csi-volumesnapshot-class";
inline constexpr std::string_view kVolumeGroupSnapshotClass =
    "velero.io/csi-volumegroupsnapshot-class";
inline constexpr std::string_view kRepositoryName = "velero.io/repo-name";
inline constexpr std::string_view kPluginConfig = "velero.io/plugin-config";
}  // namespace labels

namespace annotations {
// Read from people's objects.
inline constexpr std::string_view kBackupVolumes = "backup.velero.io/backup-volumes";
// Velero does not know this one, though it is widely told of: an alias of kBackupVolumes, which is
// taken on claims as well.
inline constexpr std::string_view kBackupVolumesIncludes =
    "backup.velero.io/backup-volumes-includes";
inline constexpr std::string_view kBackupVolumesExcludes =
    "backup.velero.io/backup-volumes-excludes";
inline constexpr std::string_view kRestoreStatus = "velero.io/restore-status";
inline constexpr std::string_view kVolumeSnapshotClass = "velero.io/csi-volumesnapshot-class";
inline constexpr std::string_view kVolumeSnapshotClassOfDriver =
    "velero.io/csi-volumesnapshot-class_";
inline constexpr std::string_view kVolumeGroupSnapshotClass =
    "velero.io/csi-volume-group-snapshot-class";
inline constexpr std::string_view kVolumeGroupSnapshotClassOfDriver =
    "velero.io/csi-volumegroupsnapshot-class_";
inline constexpr std::string_view kPodVolumeTimeout = "velero.io/pod-volume-timeout";
inline constexpr std::string_view kResticSnapshotPrefix = "snapshot.velero.io/";
// Written by the server.
inline constexpr std::string_view kSourceClusterGitVersion =
    "velero.io/source-cluster-k8s-gitversion";
inline constexpr std::string_view kSourceClusterMajorVersion =
    "velero.io/source-cluster-k8s-major-version";
inline constexpr std::string_view kSourceClusterMinorVersion =
    "velero.io/source-cluster-k8s-minor-version";
inline constexpr std::string_view kResourceTimeout = "velero.io/resource-timeout";
inline constexpr std::string_view kVolumeSnapshotName = "velero.io/volume-snapshot-name";
inline constexpr std::string_view kVolumeSnapshotHandle = "velero.io/csi-volumesnapshot-handle";
inline constexpr std::string_view kDriverName = "velero.io/csi-driver-name";
inline constexpr std::string_view kVscDeletionPolicy = "velero.io/csi-vsc-deletion-policy";
inline constexpr std::string_view kVolumeSnapshotRestoreSize =
    "velero.io/csi-volumesnapshot-restore-size";
inline constexpr std::string_view kVolumeGroupSnapshotHandle =
    "velero.io/csi-volumegroupsnapshot-handle";
inline constexpr std::string_view kDataUploadName = "velero.io/data-upload-name";
inline constexpr std::string_view kPvcName = "velero.io/pvc-name";
inline constexpr std::string_view kOriginalPvName = "velero.io/original-pv-name";
// Lateen's own, which Velero passes over: on Schedules how many of their backups are kept
// (assurance/retention.h); on Backups the UID of kube-system in the cluster that they were made in.
inline constexpr std::string_view kRetention = "lateen.io/retention";
inline constexpr std::string_view kClusterUid = "lateen.io/cluster-uid";
// On a Restore: the only objects that it brings back (model/named_object.h), parted by commas.
inline constexpr std::string_view kIncludeObjects = "lateen.io/include-objects";
// On a Backup: "true" or "false", whether it is stored a second time as files to browse; without it
// the location's config says so.
inline constexpr std::string_view kResourceTarballs = "lateen.io/resource-tarballs";
// On a Backup or Restore that is at work: any value but "" or "false" ends it.
inline constexpr std::string_view kCancel = "lateen.io/cancel";
// Between an item action and the server; never stored.
inline constexpr std::string_view kMustIncludeAdditionalItems =
    "backup.velero.io/must-include-additional-items";
inline constexpr std::string_view kSkippedNoCsiPv = "backup.velero.io/skipped-no-csi-pv";
inline constexpr std::string_view kSkipFromBackup = "velero.io/skip-from-backup";
}  // namespace annotations

namespace finalizers {
inline constexpr std::string_view kRestoreResources =
    "restores.velero.io/external-resources-finalizer";
inline constexpr std::string_view kPodVolume = "velero.io/pod-volume-finalizer";
inline constexpr std::string_view kDataMovement = "velero.io/data-upload-download-finalizer";
}  // namespace finalizers

// A label value made of a name: the name itself up to 63 bytes, else its first 57 and 6 hex digits
// of its SHA-256.
std::string valid_name(std::string_view name);

// Velero's other rule, for the labels and job names of repositories: the name up to 63 bytes, else
// its SHA3-224.
std::string valid_repository_name(std::string_view name);

// "<volume namespace>-<location>-<type>", the name of a BackupRepository since 1.15.
std::string repository_name(std::string_view volume_namespace,
                            std::string_view location,
                            std::string_view type);

// "velero.io/csi-volumesnapshot-class_<driver in lower case>"
std::string volume_snapshot_class_annotation(std::string_view driver);

}  // namespace lateen::model
