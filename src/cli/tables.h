// The rows of `get` for each kind. Pure: what they say of time is said as of `now`.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/restore.h"
#include "model/schedule.h"

namespace lateen::cli {

using Row = std::vector<std::string>;

template <typename T>
Row heading();
Row row(const model::Backup& backup, TimePoint now);
Row row(const model::Restore& restore, TimePoint now);
Row row(const model::Schedule& schedule, TimePoint now);
Row row(const model::BackupStorageLocation& location, TimePoint now);
Row row(const model::VolumeSnapshotLocation& location, TimePoint now);

// By name, except that what a schedule made ("nightly-20261122020000") comes newest first.
void sort_for_display(std::vector<model::Backup>& backups);

// "<nil>" for none, else as Go prints a time in the client's zone.
std::string time_or_nil(const std::optional<TimePoint>& t);

}  // namespace lateen::cli
