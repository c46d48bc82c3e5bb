// The rows of `get` for each kind. Pure: what they say of time is said from a viewpoint.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/zone.h"
#include "model/backup.h"
#include "model/backup_repository.h"
#include "model/locations.h"
#include "model/restore.h"
#include "model/schedule.h"

namespace lateen::cli {

using Row = std::vector<std::string>;

// When somebody looks, and in which zone: times are told as they are there.
struct Viewpoint {
  TimePoint now;
  Zone zone = {};
};

template <typename T>
Row heading();
Row row(const model::Backup& backup, const Viewpoint& view);
Row row(const model::Restore& restore, const Viewpoint& view);
Row row(const model::Schedule& schedule, const Viewpoint& view);
Row row(const model::BackupStorageLocation& location, const Viewpoint& view);
Row row(const model::VolumeSnapshotLocation& location, const Viewpoint& view);
Row row(const model::BackupRepository& repository, const Viewpoint& view);

// What -o wide adds behind the row of a kind: nothing for most.
template <typename T>
Row wide_heading() {
  return {};
}

template <typename T>
Row wide_cells(const T& /*object*/, const Viewpoint& /*view*/) {
  return {};
}

template <>
Row wide_heading<model::Schedule>();
template <>
Row wide_cells(const model::Schedule& schedule, const Viewpoint& view);

// By name, except that what a schedule made ("nightly-20261122020000") comes newest first.
void sort_for_display(std::vector<model::Backup>& backups);

}  // namespace lateen::cli
