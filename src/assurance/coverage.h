// The honest list: what of a cluster is held by which schedule, since when, by which path, and what
// by none. Pure: from what the cluster has, what each schedule's next backup would hold, and what
// their last good ones did.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/backup_coverage.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/backup.h"
#include "model/results.h"

namespace lateen::assurance {

// The newest Completed backup of a schedule that has not expired.
struct LastGood {
  std::string backup = {};
  TimePoint time = {};  // when it began: what it holds is of then
  // What became of its volumes, where its document could be read.
  std::optional<std::vector<CoveredVolume>> volumes = {};
};

// The one of `backups` that counts for a schedule; nothing if there is none.
std::optional<LastGood> last_good_of(std::string_view schedule,
                                     const std::vector<model::Backup>& backups,
                                     TimePoint now);

struct ScheduleReach {
  std::string schedule = {};
  bool paused = false;
  std::string problem = {};           // its backups would fail: why
  std::optional<Duration> objective;  // how old its last good backup may be
  std::optional<LastGood> last_good = {};
  model::ResourceList objects = {};  // what its next backup would hold: "v1/Pod" → "ns/name"
  std::vector<CoveredVolume> volumes = {};
};

struct CoverageFacts {
  TimePoint now = {};
  model::ResourceList everything = {};
  std::vector<ScheduleReach> schedules = {};
  Findings findings = {};
};

enum class CoverageVerdict {
  Covered,
  Stale,       // held, but its last good backup is older than the objective
  NoBackup,    // a schedule would hold it, and has no good backup yet
  Partly,      // some of its objects are held by none
  NotCovered,  // by no schedule
  Platform,    // by none, and it need not be: it is the platform's
};

// "covered", "stale", "no good backup", "partly covered", "not covered", "platform".
std::string_view to_string(CoverageVerdict verdict);

struct KindCoverage {
  std::string ns = {};    // empty: cluster-scoped
  std::string kind = {};  // "apps/v1/Deployment"
  std::size_t total = 0;
  std::size_t held = 0;  // by any schedule
  std::vector<std::string> schedules = {};
};

struct VolumeCoverage {
  std::string ns = {};
  std::string claim = {};
  std::string path = {};      // of the last good backup that holds it; else the one planned; "none"
  std::string schedule = {};  // whose
  std::string backup = {};
  std::optional<Duration> age = {};
  CoverageVerdict verdict = CoverageVerdict::NotCovered;
  std::string reason = {};
};

struct NamespaceCoverage {
  std::string ns = {};  // empty: what is cluster-scoped
  std::size_t total = 0;
  std::size_t held = 0;
  std::vector<std::string> schedules = {};
  std::string backup = {};  // the newest good one of those schedules
  std::optional<Duration> age = {};
  std::optional<Duration> objective = {};
  CoverageVerdict verdict = CoverageVerdict::NotCovered;
  std::string why = {};
};

struct CoverageReport {
  std::vector<NamespaceCoverage> namespaces = {};  // sorted; cluster-scoped first
  std::vector<KindCoverage> kinds = {};
  std::vector<VolumeCoverage> volumes = {};
  Findings findings = {};
  std::vector<std::string> problems = {};  // of schedules

  // Something of people's own is not covered as it should be.
  bool has_gaps() const;
};

CoverageReport assess_coverage(const CoverageFacts& facts);

// Only of one namespace.
CoverageReport of_namespace(CoverageReport report, std::string_view ns);

Json to_json(const CoverageReport& report);

}  // namespace lateen::assurance
