#include "assurance/coverage.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "assurance/made_anew.h"
#include "assurance/platform_namespaces.h"
#include "base/duration.h"
#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/phases.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kClaims = "v1/PersistentVolumeClaim";

using NamesByKind = std::map<std::string, std::set<std::string_view>, std::less<>>;

// What one schedule holds, to be asked of each object.
struct Held {
  const ScheduleReach* reach = nullptr;
  NamesByKind names = {};

  bool holds(std::string_view kind, std::string_view name) const {
    const auto at = names.find(kind);
    return at != names.end() && at->second.contains(name);
  }
};

Held held_by(const ScheduleReach& reach) {
  Held held{.reach = &reach};
  if (!reach.problem.empty() || reach.paused) return held;
  for (const auto& [kind, names] : reach.objects)
    held.names[kind].insert(names.begin(), names.end());
  return held;
}

std::optional<Duration> age_of(const std::optional<LastGood>& last, TimePoint now) {
  if (!last) return std::nullopt;
  return now - last->time;
}

CoverageVerdict freshness(const ScheduleReach& reach, TimePoint now) {
  const auto age = age_of(reach.last_good, now);
  if (!age) return CoverageVerdict::NoBackup;
  return reach.objective && *age > *reach.objective ? CoverageVerdict::Stale
                                                    : CoverageVerdict::Covered;
}

// The better of two schedules for what both hold: the fresher one.
bool is_better(const ScheduleReach& a, const ScheduleReach& b, TimePoint now) {
  const CoverageVerdict x = freshness(a, now);
  const CoverageVerdict y = freshness(b, now);
  if (x != y) return x < y;
  return a.last_good && (!b.last_good || a.last_good->time > b.last_good->time);
}

const ScheduleReach* best_of(const std::vector<const ScheduleReach*>& reaches, TimePoint now) {
  const auto best = std::ranges::min_element(
      reaches, [now](const auto* a, const auto* b) { return is_better(*a, *b, now); });
  return best == reaches.end() ? nullptr : *best;
}

// One namespace while its objects are counted.
struct NamespaceCount {
  std::size_t total = 0;
  std::size_t held = 0;
  std::set<const ScheduleReach*> reaches = {};
};

struct Counts {
  std::map<std::string, NamespaceCount, std::less<>> namespaces = {};
  std::map<std::pair<std::string, std::string>, KindCoverage> kinds = {};
};

void count_object(std::string_view kind,
                  std::string_view key,
                  const std::vector<Held>& schedules,
                  Counts& counts) {
  const auto [ns, name] = kube::parse_object_key(key);
  // A Namespace object goes with what is in it.
  const std::string where = kind == "v1/Namespace" ? std::string(name) : ns;
  NamespaceCount& in_namespace = counts.namespaces[where];
  KindCoverage& of_kind = counts.kinds[{where, std::string(kind)}];
  of_kind.ns = where;
  of_kind.kind = kind;
  ++of_kind.total;
  ++in_namespace.total;
  bool held = false;
  for (const Held& schedule : schedules) {
    if (!schedule.holds(kind, key)) continue;
    held = true;
    in_namespace.reaches.insert(schedule.reach);
    if (std::ranges::find(of_kind.schedules, schedule.reach->schedule) == of_kind.schedules.end())
      of_kind.schedules.push_back(schedule.reach->schedule);
  }
  if (!held) return;
  ++of_kind.held;
  ++in_namespace.held;
}

void add_platform(NamespaceCoverage& coverage) {
  const PlatformNamespace* platform = platform_namespace(coverage.ns);
  if (platform == nullptr) return;
  coverage.verdict = CoverageVerdict::Platform;
  coverage.why = fmt::format("{}: {}", platform->platform, platform->why);
}

NamespaceCoverage assess_namespace(const std::string& ns,
                                   const NamespaceCount& count,
                                   TimePoint now) {
  NamespaceCoverage coverage{.ns = ns, .total = count.total, .held = count.held};
  const std::vector<const ScheduleReach*> reaches(count.reaches.begin(), count.reaches.end());
  for (const ScheduleReach* reach : reaches)
    coverage.schedules.push_back(reach->schedule);
  std::ranges::sort(coverage.schedules);
  const ScheduleReach* best = best_of(reaches, now);
  if (best == nullptr) {
    coverage.why = "no schedule holds anything of it";
    add_platform(coverage);
    return coverage;
  }
  coverage.objective = best->objective;
  coverage.age = age_of(best->last_good, now);
  if (best->last_good) coverage.backup = best->last_good->backup;
  coverage.verdict = freshness(*best, now);
  if (coverage.verdict == CoverageVerdict::NoBackup) {
    coverage.why = fmt::format("schedule {} has no good backup that is still kept", best->schedule);
  } else if (coverage.verdict == CoverageVerdict::Stale) {
    coverage.why =
        fmt::format("the last good backup {} is older than its objective", coverage.backup);
  } else if (count.held < count.total) {
    coverage.verdict = CoverageVerdict::Partly;
    coverage.why = fmt::format("{} objects are held by no schedule", count.total - count.held);
    if (platform_namespace(ns) != nullptr) add_platform(coverage);
  }
  return coverage;
}

const CoveredVolume* find_claim(const std::vector<CoveredVolume>& volumes,
                                std::string_view ns,
                                std::string_view claim) {
  const auto at = std::ranges::find_if(
      volumes, [&](const CoveredVolume& one) { return one.ns == ns && one.claim == claim; });
  return at == volumes.end() ? nullptr : &*at;
}

bool has_path(const CoveredVolume* volume) {
  return volume != nullptr && volume->path != "none" && volume->path != "not saved";
}

// What one schedule does for a volume.
VolumeCoverage volume_under(const ScheduleReach& reach,
                            std::string_view ns,
                            std::string_view claim,
                            TimePoint now) {
  VolumeCoverage coverage{.ns = std::string(ns),
                          .claim = std::string(claim),
                          .path = "none",
                          .schedule = reach.schedule};
  const CoveredVolume* planned = find_claim(reach.volumes, ns, claim);
  const CoveredVolume* saved = reach.last_good && reach.last_good->volumes
                                   ? find_claim(*reach.last_good->volumes, ns, claim)
                                   : nullptr;
  const bool known = reach.last_good && reach.last_good->volumes.has_value();
  if (has_path(saved) || (!known && reach.last_good && has_path(planned))) {
    coverage.path = has_path(saved) ? saved->path : planned->path;
    coverage.backup = reach.last_good->backup;
    coverage.age = age_of(reach.last_good, now);
    coverage.verdict = freshness(reach, now);
    if (coverage.verdict == CoverageVerdict::Stale) {
      coverage.reason = fmt::format("backup {} is older than the objective", coverage.backup);
    } else if (!has_path(planned)) {
      coverage.verdict = CoverageVerdict::NotCovered;
      coverage.reason =
          fmt::format("backup {} has it, but the next ones will not{}{}", coverage.backup,
                      planned == nullptr ? "" : ": ", planned == nullptr ? "" : planned->reason);
    }
    return coverage;
  }
  if (has_path(planned)) {
    coverage.path = planned->path;
    coverage.verdict = CoverageVerdict::NoBackup;
    coverage.reason =
        reach.last_good
            ? fmt::format("the last good backup {} does not have it{}{}", reach.last_good->backup,
                          saved == nullptr ? "" : ": ", saved == nullptr ? "" : saved->reason)
            : fmt::format("schedule {} has no good backup that is still kept", reach.schedule);
    return coverage;
  }
  coverage.reason = planned != nullptr ? planned->reason : "no path to save it by was found";
  return coverage;
}

VolumeCoverage assess_volume(std::string_view key,
                             const std::vector<Held>& schedules,
                             TimePoint now) {
  const auto [ns, claim] = kube::parse_object_key(key);
  std::optional<VolumeCoverage> best;
  for (const Held& schedule : schedules) {
    if (!schedule.holds(kClaims, key)) continue;
    VolumeCoverage one = volume_under(*schedule.reach, ns, claim, now);
    const bool better =
        !best || one.verdict < best->verdict ||
        (one.verdict == best->verdict && one.age && (!best->age || *one.age < *best->age));
    if (better) best = std::move(one);
  }
  if (best) return *std::move(best);
  VolumeCoverage none{
      .ns = ns, .claim = claim, .path = "none", .reason = "no schedule holds its claim"};
  if (platform_namespace(ns) != nullptr) none.verdict = CoverageVerdict::Platform;
  return none;
}

Json optional_seconds(const std::optional<Duration>& duration) {
  if (!duration) return nullptr;
  return std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
}

Json to_json(const NamespaceCoverage& one) {
  return JsonObject{{"namespace", one.ns},
                    {"objects", one.total},
                    {"held", one.held},
                    {"schedules", texts_json(one.schedules)},
                    {"lastGoodBackup", one.backup},
                    {"ageSeconds", optional_seconds(one.age)},
                    {"objectiveSeconds", optional_seconds(one.objective)},
                    {"verdict", to_string(one.verdict)},
                    {"why", one.why}};
}

Json to_json(const KindCoverage& one) {
  return JsonObject{{"namespace", one.ns},
                    {"kind", one.kind},
                    {"objects", one.total},
                    {"held", one.held},
                    {"schedules", texts_json(one.schedules)}};
}

Json to_json(const VolumeCoverage& one) {
  return JsonObject{{"namespace", one.ns},
                    {"claim", one.claim},
                    {"path", one.path},
                    {"schedule", one.schedule},
                    {"backup", one.backup},
                    {"ageSeconds", optional_seconds(one.age)},
                    {"verdict", to_string(one.verdict)},
                    {"reason", one.reason}};
}

template <typename T>
JsonArray json_list(const std::vector<T>& list) {
  JsonArray json;
  for (const T& one : list)
    json.push_back(to_json(one));
  return json;
}

bool is_gap(CoverageVerdict verdict) {
  return verdict != CoverageVerdict::Covered && verdict != CoverageVerdict::Platform;
}

}  // namespace

std::optional<LastGood> last_good_of(std::string_view schedule,
                                     const std::vector<model::Backup>& backups,
                                     TimePoint now) {
  std::optional<LastGood> last;
  for (const model::Backup& backup : backups) {
    if (backup.status.phase != model::BackupPhase::Completed || !backup.status.start_timestamp ||
        backup.metadata.label(model::labels::kScheduleName) != schedule) {
      continue;
    }
    if (backup.status.expiration && *backup.status.expiration <= now) continue;
    if (!last || *backup.status.start_timestamp > last->time)
      last = LastGood{.backup = backup.metadata.name, .time = *backup.status.start_timestamp};
  }
  return last;
}

std::string_view to_string(CoverageVerdict verdict) {
  switch (verdict) {
    case CoverageVerdict::Covered:
      return "covered";
    case CoverageVerdict::Stale:
      return "stale";
    case CoverageVerdict::NoBackup:
      return "no good backup";
    case CoverageVerdict::Partly:
      return "partly covered";
    case CoverageVerdict::NotCovered:
      return "not covered";
    case CoverageVerdict::Platform:
      return "platform";
  }
  return "not covered";
}

bool CoverageReport::has_gaps() const {
  return !problems.empty() ||
         std::ranges::any_of(namespaces, [](const auto& one) { return is_gap(one.verdict); }) ||
         std::ranges::any_of(volumes, [](const auto& one) { return is_gap(one.verdict); });
}

CoverageReport assess_coverage(const CoverageFacts& facts) {
  CoverageReport report{.findings = facts.findings};
  std::vector<Held> schedules;
  for (const ScheduleReach& reach : facts.schedules) {
    if (!reach.problem.empty())
      report.problems.push_back(fmt::format("schedule {}: {}", reach.schedule, reach.problem));
    if (reach.paused)
      report.problems.push_back(fmt::format("schedule {} is paused", reach.schedule));
    schedules.push_back(held_by(reach));
  }
  Counts counts;
  for (const auto& [kind, names] : facts.everything) {
    if (is_made_anew_kind(kind)) continue;
    for (const std::string& name : names)
      count_object(kind, name, schedules, counts);
  }
  for (const auto& [ns, count] : counts.namespaces)
    report.namespaces.push_back(assess_namespace(ns, count, facts.now));
  for (auto& [key, kind] : counts.kinds)
    report.kinds.push_back(std::move(kind));
  if (const auto claims = facts.everything.find(kClaims); claims != facts.everything.end()) {
    for (const std::string& key : claims->second)
      report.volumes.push_back(assess_volume(key, schedules, facts.now));
  }
  return report;
}

CoverageReport of_namespace(CoverageReport report, std::string_view ns) {
  const auto elsewhere = [ns](const auto& one) { return one.ns != ns; };
  std::erase_if(report.namespaces, elsewhere);
  std::erase_if(report.kinds, elsewhere);
  std::erase_if(report.volumes, elsewhere);
  std::erase_if(report.findings.local_volumes, elsewhere);
  const std::string inside = fmt::format(" {}/", ns);
  std::erase_if(report.findings.outside, [&inside](const OutsideReference& one) {
    return one.object.find(inside) == std::string::npos;
  });
  report.findings.warnings.clear();
  return report;
}

Json to_json(const CoverageReport& report) {
  return JsonObject{{"apiVersion", "lateen.io/v1"},
                    {"kind", "CoverageReport"},
                    {"namespaces", json_list(report.namespaces)},
                    {"kinds", json_list(report.kinds)},
                    {"volumes", json_list(report.volumes)},
                    {"localVolumes", json_list(report.findings.local_volumes)},
                    {"outside", json_list(report.findings.outside)},
                    {"warnings", json_list(report.findings.warnings)},
                    {"problems", texts_json(report.problems)},
                    {"gaps", report.has_gaps()}};
}

}  // namespace lateen::assurance
