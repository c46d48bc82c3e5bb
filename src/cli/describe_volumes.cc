#include "cli/describe_volumes.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "model/documents.h"

namespace lateen::cli {
namespace {

using model::DataPhase;
using model::DownloadTargetKind;

// ---- Documents of before 1.13, which had none about volumes

model::BackupVolumeInfo legacy_native(const model::NativeSnapshot& snapshot) {
  model::NativeSnapshotInfo native;
  native.snapshot_handle = snapshot.status.provider_snapshot_id;
  native.volume_type = snapshot.spec.volume_type;
  native.volume_az = snapshot.spec.volume_az;
  if (snapshot.spec.volume_iops) native.iops = std::to_string(*snapshot.spec.volume_iops);
  model::BackupVolumeInfo info;
  info.pv_name = snapshot.spec.persistent_volume_name;
  info.native_snapshot_info = native;
  return info;
}

Result<std::vector<model::BackupVolumeInfo>> read_legacy_native(const DescribedBackup& described) {
  std::vector<model::BackupVolumeInfo> infos;
  if (described.backup.status.volume_snapshots_attempted == 0) return infos;
  const Bytes document = TRY(described.document(DownloadTargetKind::BackupVolumeSnapshots)
                                 .wrap("error to download native snapshot info"));
  const auto snapshots =
      TRY(model::read_native_snapshots(document).wrap("error to decode native snapshot info"));
  for (const model::NativeSnapshot& snapshot : snapshots)
    infos.push_back(legacy_native(snapshot));
  return infos;
}

// The claim whose VolumeSnapshot is bound to that content.
void find_claim(const std::vector<Json>& snapshots, model::BackupVolumeInfo& info) {
  info.pvc_name = "<PVC name not found>";
  for (const Json& snapshot : snapshots) {
    const std::string_view claim = string_at(snapshot, "spec.source.persistentVolumeClaimName");
    if (claim.empty() || string_at(snapshot, "status.boundVolumeSnapshotContentName") !=
                             info.csi_snapshot_info->vsc_name) {
      continue;
    }
    info.pvc_name = claim;
    info.pvc_namespace = string_at(snapshot, "metadata.namespace");
  }
}

Result<std::vector<model::BackupVolumeInfo>> read_legacy_csi(const DescribedBackup& described) {
  std::vector<model::BackupVolumeInfo> infos;
  if (described.backup.status.csi_volume_snapshots_attempted == 0) return infos;
  const Bytes snapshots_text = TRY(described.document(DownloadTargetKind::CSIBackupVolumeSnapshots)
                                       .wrap("error to download vs list"));
  const auto snapshots = TRY(model::read_objects(snapshots_text).wrap("error to decode vs list"));
  const Bytes contents_text =
      TRY(described.document(DownloadTargetKind::CSIBackupVolumeSnapshotContents)
              .wrap("error to download vsc list"));
  const auto contents = TRY(model::read_objects(contents_text).wrap("error to decode vsc list"));
  for (const Json& content : contents) {
    model::CsiSnapshotInfo csi;
    csi.vsc_name = string_at(content, "metadata.name");
    csi.driver = string_at(content, "spec.driver");
    csi.snapshot_handle = string_at(content, "status.snapshotHandle");
    csi.size = int_at(content, "status.restoreSize").value_or(0);
    model::BackupVolumeInfo info;
    info.preserve_local_snapshot = true;
    info.csi_snapshot_info = csi;
    find_claim(snapshots, info);
    infos.push_back(std::move(info));
  }
  return infos;
}

Result<BackupVolumes> read_legacy(const DescribedBackup& described) {
  BackupVolumes volumes;
  volumes.legacy = true;
  volumes.native = TRY(read_legacy_native(described).wrap("error concluding native snapshot info"));
  volumes.csi = TRY(read_legacy_csi(described).wrap("error concluding CSI snapshot info"));
  return volumes;
}

// ---- Pod volumes

struct PhaseWord {
  DataPhase phase;
  std::string_view word;
};

constexpr PhaseWord kBackupPhases[] = {
    {DataPhase::Completed, "Completed"}, {DataPhase::Failed, "Failed"},
    {DataPhase::Canceled, "Canceled"},   {DataPhase::InProgress, "In Progress"},
    {DataPhase::Canceling, "Canceling"}, {DataPhase::Prepared, "Prepared"},
    {DataPhase::Accepted, "Accepted"},   {DataPhase::New, "New"}};

constexpr PhaseWord kRestorePhases[] = {
    {DataPhase::Completed, "Completed"}, {DataPhase::Canceled, "Canceled"},
    {DataPhase::Failed, "Failed"},       {DataPhase::InProgress, "In Progress"},
    {DataPhase::Canceling, "Canceling"}, {DataPhase::Prepared, "Prepared"},
    {DataPhase::Accepted, "Accepted"},   {DataPhase::New, "New"}};

DataPhase shown_phase(DataPhase phase) {
  return phase == DataPhase::Unset ? DataPhase::New : phase;
}

std::string volume_text(std::string_view volume,
                        DataPhase phase,
                        const model::DataProgress& progress,
                        std::int64_t incremental) {
  if (phase == DataPhase::InProgress && progress.total_bytes != 0) {
    return fmt::format(
        "{} ({:.2f}%)", volume,
        static_cast<double>(progress.bytes_done) / static_cast<double>(progress.total_bytes) * 100);
  }
  if (phase != DataPhase::Completed) return std::string(volume);
  if (incremental > 0) {
    return fmt::format("{} (size: {}, incremental size: {})", volume, progress.total_bytes,
                       incremental);
  }
  if (progress.total_bytes > 0) return fmt::format("{} (size: {})", volume, progress.total_bytes);
  return std::string(volume);
}

void add_volume(PhaseOfPodVolumes& group, const model::ObjectReference& pod, std::string volume) {
  const std::string name = fmt::format("{}/{}", pod.ns, pod.name);
  ++group.count;
  const auto at = std::find_if(group.pods.begin(), group.pods.end(),
                               [&name](const PodVolumes& other) { return other.pod == name; });
  if (at != group.pods.end()) {
    at->volumes.push_back(std::move(volume));
  } else {
    group.pods.push_back({.pod = name, .volumes = {std::move(volume)}});
  }
}

// `incremental_of` gives the bytes that are new since the volume's last copy.
template <typename T, typename Incremental>
std::vector<PhaseOfPodVolumes> group(const std::vector<T>& objects,
                                     std::span<const PhaseWord> phases,
                                     Incremental incremental_of) {
  std::vector<PhaseOfPodVolumes> groups;
  for (const PhaseWord& word : phases) {
    PhaseOfPodVolumes one{.phase = std::string(word.word)};
    for (const T& object : objects) {
      const DataPhase phase = shown_phase(object.status.phase.value());
      if (phase != word.phase) continue;
      add_volume(
          one, object.spec.pod,
          volume_text(object.spec.volume, phase, object.status.progress, incremental_of(object)));
    }
    if (one.count > 0) groups.push_back(std::move(one));
  }
  return groups;
}

}  // namespace

Result<BackupVolumes> read_backup_volumes(const DescribedBackup& described) {
  auto document = described.document(DownloadTargetKind::BackupVolumeInfos);
  if (!document && document.error().is(Code::NotFound)) return read_legacy(described);
  if (!document) return std::move(document).error().wrap("error getting backup volume info");
  auto infos =
      TRY(model::read_backup_volume_infos(*document).wrap("error reading backup volume info"));
  BackupVolumes volumes;
  for (model::BackupVolumeInfo& info : infos) {
    if (info.backup_method == model::VolumeBackupMethod::NativeSnapshot) {
      volumes.native.push_back(std::move(info));
    } else if (info.backup_method == model::VolumeBackupMethod::CSISnapshot) {
      volumes.csi.push_back(std::move(info));
    }
  }
  return volumes;
}

std::vector<PhaseOfPodVolumes> group_by_phase(const std::vector<model::PodVolumeBackup>& backups) {
  return group(backups, kBackupPhases, [](const model::PodVolumeBackup& backup) {
    return backup.status.incremental_bytes;
  });
}

std::vector<PhaseOfPodVolumes> group_by_phase(
    const std::vector<model::PodVolumeRestore>& restores) {
  return group(restores, kRestorePhases,
               [](const model::PodVolumeRestore&) { return std::int64_t{0}; });
}

void sort_by_name(std::vector<PhaseOfPodVolumes>& phases) {
  for (PhaseOfPodVolumes& phase : phases) {
    std::sort(phase.pods.begin(), phase.pods.end(),
              [](const PodVolumes& a, const PodVolumes& b) { return a.pod < b.pod; });
    for (PodVolumes& pod : phase.pods)
      std::sort(pod.volumes.begin(), pod.volumes.end());
  }
}

}  // namespace lateen::cli
