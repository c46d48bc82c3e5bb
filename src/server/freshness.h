// How old the last good backup is, of each schedule and of each namespace, and which schedules are
// behind their time: what an alarm should watch, rather than whether a job has failed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/schedule.h"
#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

struct ScheduleFreshness {
  std::string name = {};
  std::optional<TimePoint> last_good = {};  // when the last Completed backup was begun
  std::optional<Duration> interval = {};    // the longest time between two runs
  std::optional<TimePoint> next_run = {};   // none while paused or invalid
  bool overdue = false;                     // the next run should have begun some minutes ago
  bool stale = false;  // the last good one is older than two intervals and an hour
};

struct NamespaceFreshness {
  std::string name = {};
  // Of the last Completed backup that held it, as far as its spec says: one that selects by labels
  // or by kinds of resources holds no namespace.
  std::optional<TimePoint> last_good = {};
};

struct Freshness {
  std::vector<ScheduleFreshness> schedules = {};
  std::vector<NamespaceFreshness> namespaces = {};
};

// Pure.
Freshness look_at_freshness(const std::vector<model::Schedule>& schedules,
                            const std::vector<model::Backup>& backups,
                            const std::vector<std::string>& namespaces,
                            TimePoint now);

// Why the dead man's switch is not asked for now; "" when all is well. Pure.
std::string why_not_well(const Freshness& freshness,
                         const std::vector<model::BackupStorageLocation>& locations);

// Sets the gauges, tells of schedules that are behind, and asks for the dead man's switch while all
// is well.
std::unique_ptr<Controller> make_freshness_controller(const ServerContext& context);

}  // namespace lateen::server
