#include "assurance/measured_cost.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace lateen::assurance {
namespace {

constexpr double kGb = 1024.0 * 1024 * 1024;
constexpr double kSecondsInDay = 86'400;

// One copy of a volume, whichever way it was made.
struct VolumeCopy {
  bool as_files = false;
  std::int64_t size = 0;         // 0: not told
  std::int64_t incremental = 0;  // what it moved; 0: not told
};

VolumeCopy copy_of(const model::BackupVolumeInfo& info) {
  if (info.snapshot_data_movement_info) {
    return {.as_files = true,
            .size = info.snapshot_data_movement_info->size,
            .incremental = info.snapshot_data_movement_info->incremental_size};
  }
  if (info.pvb_info) {
    return {.as_files = true,
            .size = info.pvb_info->size,
            .incremental = info.pvb_info->incremental_size};
  }
  return {.size = info.csi_snapshot_info ? info.csi_snapshot_info->size : 0};
}

std::string volume_key(const model::BackupVolumeInfo& info) {
  if (!info.pvc_name.empty()) return info.pvc_namespace + "/" + info.pvc_name;
  if (info.pvb_info)
    return fmt::format("{}/{}/{}", info.pvb_info->pod_namespace, info.pvb_info->pod_name,
                       info.pvb_info->volume_name);
  return info.pv_name;
}

std::string namespace_of_volume(const model::BackupVolumeInfo& info) {
  return info.pvc_namespace.empty() && info.pvb_info ? info.pvb_info->pod_namespace
                                                     : info.pvc_namespace;
}

// The copies of one volume, oldest first.
struct VolumeSeries {
  std::string ns = {};
  VolumeCopy newest = {};
  TimePoint time = {};     // of the newest
  double moved = 0;        // by all copies but the first
  double days = 0;         // between the first and the newest
  std::size_t copies = 0;  // that told how much they moved

  void add(const VolumeCopy& copy, TimePoint at) {
    if (copies > 0 && copy.incremental > 0) moved += static_cast<double>(copy.incremental) / kGb;
    if (copies > 0) days += std::chrono::duration<double>(at - time).count() / kSecondsInDay;
    if (copy.incremental > 0) ++copies;
    if (copy.size > 0 || newest.size == 0) newest = copy;
    time = at;
  }

  bool tells_change() const { return copies > 1 && days > 0; }
};

std::map<std::string, VolumeSeries> series_of(std::span<const MeasuredBackup> backups) {
  std::map<std::string, VolumeSeries> series;
  for (const MeasuredBackup& backup : backups) {
    for (const model::BackupVolumeInfo& info : backup.volumes) {
      if (info.skipped) continue;
      VolumeSeries& one = series[volume_key(info)];
      one.ns = namespace_of_volume(info);
      one.add(copy_of(info), backup.time);
    }
  }
  return series;
}

// Of the newest backup of each schedule: together they hold the cluster.
double newest_objects(std::span<const MeasuredBackup> backups) {
  std::map<std::string_view, ByteCount> newest;
  for (const MeasuredBackup& backup : backups)
    newest[backup.schedule] = backup.bytes;
  double sum = 0;
  for (const auto& [schedule, bytes] : newest)
    sum += static_cast<double>(bytes) / kGb;
  return sum;
}

}  // namespace

Footprint MeasuredData::snapshots() const {
  Footprint sum;
  for (const MeasuredVolumes& one : volumes) {
    if (!one.as_files) sum += one.data;
  }
  return sum;
}

Footprint MeasuredData::files() const {
  Footprint sum;
  for (const MeasuredVolumes& one : volumes) {
    if (one.as_files) sum += one.data;
  }
  return sum;
}

MeasuredData measure(std::span<const MeasuredBackup> oldest_first, double assumed_change) {
  std::map<std::pair<std::string, bool>, MeasuredVolumes> by_namespace;
  for (const auto& [key, series] : series_of(oldest_first)) {
    MeasuredVolumes& sum = by_namespace[{series.ns, series.newest.as_files}];
    sum.ns = series.ns;
    sum.as_files = series.newest.as_files;
    ++sum.volumes;
    if (series.newest.size == 0) ++sum.unsized;
    const double full = static_cast<double>(series.newest.size) / kGb;
    const bool told = series.tells_change();
    if (told) sum.change_measured = true;
    sum.data +=
        Footprint::from_daily(full, told ? series.moved / series.days : full * assumed_change);
  }
  MeasuredData measured{.objects_gb = newest_objects(oldest_first), .backups = oldest_first.size()};
  for (auto& [key, sum] : by_namespace)
    measured.volumes.push_back(std::move(sum));
  return measured;
}

}  // namespace lateen::assurance
