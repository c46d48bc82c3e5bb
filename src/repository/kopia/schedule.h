// The maintenance schedule: who runs maintenance and how often (a manifest), and what ran when (the
// blob kopia.maintenance). Safety margins are held against what is written here, so two runs of
// anything are only ever as far apart as the storage has seen.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"

namespace lateen::repository::kopia {

inline constexpr std::string_view kScheduleBlob = "kopia.maintenance";
// What its key is derived for.
inline constexpr std::string_view kSchedulePurpose = "maintenance schedule";

// The manifest of type "maintenance".
struct MaintenanceParameters {
  std::string owner = {};  // user@host
  bool quick_enabled = true;
  Duration quick_interval = std::chrono::hours(1);
  bool full_enabled = true;
  Duration full_interval = std::chrono::hours(24);
};

Result<MaintenanceParameters> parse_maintenance_parameters(BytesView json);
Bytes write_maintenance_parameters(const MaintenanceParameters& parameters);

struct TaskRun {
  TimePoint start = {};
  TimePoint end = {};
  bool success = false;
  std::string error = {};
  Bytes extra = {};  // JSON, as kopia keeps statistics
};

// kopia's names of what maintenance does.
namespace task {
inline constexpr std::string_view kSnapshotGc = "snapshot-gc";
inline constexpr std::string_view kRewriteFull = "full-rewrite-contents";
inline constexpr std::string_view kRewriteQuick = "quick-rewrite-contents";
inline constexpr std::string_view kDeleteFull = "full-delete-blobs";
inline constexpr std::string_view kDeleteQuick = "quick-delete-blobs";
inline constexpr std::string_view kDropDeleted = "full-drop-deleted-content";
inline constexpr std::string_view kCompactEpoch = "compact-single-epoch";
inline constexpr std::string_view kAdvanceEpoch = "advance-epoch";
inline constexpr std::string_view kCompactRange = "generate-epoch-range-index";
inline constexpr std::string_view kCleanMarkers = "cleanup-epoch-markers";
inline constexpr std::string_view kDeleteIndexes = "delete-superseded-epoch-indexes";
}  // namespace task

struct Schedule {
  TimePoint next_full = {};
  TimePoint next_quick = {};
  std::map<std::string, std::vector<TaskRun>, std::less<>> runs = {};  // newest first

  // Keeps the 50 newest of each task.
  void add(std::string_view name, TaskRun run);
  // When a task last ended well; kNever if it never did.
  TimePoint last_end(std::string_view name) const;
};

Result<Schedule> parse_schedule(BytesView json);
std::string write_schedule(const Schedule& schedule);

// kopia.maintenance under its key.
Result<Schedule> open_schedule(BytesView stored, BytesView key);
Bytes seal_schedule(const Schedule& schedule, BytesView key, Rng& rng);

// Margins that keep maintenance from taking what others are about to use.
struct SafetyMargins {
  Duration rewrite_min_age = std::chrono::hours(2);
  Duration gc_min_age = std::chrono::hours(24);
  Duration between_gc = std::chrono::hours(4);
  Duration drop_extra = std::chrono::hours(1);
  Duration pack_min_age = std::chrono::hours(24);
  Duration session_expiry = std::chrono::hours(96);
  Duration rewrite_to_delete = std::chrono::hours(1);
  bool two_gc_runs = true;

  static SafetyMargins none();
};

// ---- Decisions; pure.

// Until when entries marked deleted may be dropped: they were marked by a collection of garbage
// that ended long before the latest one began, so every other client has seen them marked. Nothing
// if it is too early.
std::optional<TimePoint> safe_drop_time(const Schedule& schedule,
                                        const SafetyMargins& margins,
                                        TimePoint now);

// A rewrite leaves packs that are to be deleted first, before the next one.
bool may_rewrite(const Schedule& schedule, const SafetyMargins& margins);
// Others may be reading by an index from before a rewrite.
bool may_delete_packs(const Schedule& schedule, const SafetyMargins& margins, TimePoint now);

}  // namespace lateen::repository::kopia
