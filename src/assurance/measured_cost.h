// How much there is to keep, and how much of it changes, from what backups themselves say: the
// volumes of each namespace and their objects. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "assurance/cost_model.h"
#include "base/clock.h"
#include "model/volume_info.h"

namespace lateen::assurance {

// One backup as it was found. Oldest first where several are given.
struct MeasuredBackup {
  std::string name = {};
  std::string schedule = {};
  TimePoint time = {};
  ByteCount bytes = 0;  // of its own files in the bucket: objects, log, index
  std::vector<model::BackupVolumeInfo> volumes = {};
};

// What a namespace's volumes hold, by how they are saved.
struct MeasuredVolumes {
  std::string ns = {};
  bool as_files = false;  // in a repository (file-system backup, data movement); else by snapshots
  std::size_t volumes = 0;
  std::size_t unsized = 0;  // whose size no backup tells
  Footprint data = {};
  bool change_measured = false;  // else `data.daily` was assumed

  bool operator==(const MeasuredVolumes&) const = default;
};

struct MeasuredData {
  std::vector<MeasuredVolumes> volumes = {};  // by namespace
  double objects_gb = 0;                      // of one backup, the newest of each schedule
  std::size_t backups = 0;

  Footprint snapshots() const;
  Footprint files() const;
};

// Of each volume the newest backup that has it counts. What changes in a day is the mean of what
// incremental copies moved since the one before; where none says it, `assumed_change` of
// everything (0.025: 5 GB of 200).
MeasuredData measure(std::span<const MeasuredBackup> oldest_first, double assumed_change);

}  // namespace lateen::assurance
