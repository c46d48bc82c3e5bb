// Which backups may go. Pure, so that years of it can be played through in a test.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/backup.h"
#include "model/schedule.h"
#include "server/retention.h"

namespace lateen::server {

// By name, why. A retention decides over the backups that it is for, and TTL over the others.
using Collectable = std::map<std::string, std::string_view, std::less<>>;

// `keep_last_good`: the last good backup that a schedule made stays past its TTL when the schedule
// has run since, and nothing good has come of it.
Collectable decide_collection(const std::vector<model::Schedule>& schedules,
                              const std::vector<model::Backup>& backups,
                              const RetentionView& retained,
                              TimePoint now,
                              bool keep_last_good);

}  // namespace lateen::server
