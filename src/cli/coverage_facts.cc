#include "cli/coverage_facts.h"

#include <map>

#include "base/text.h"
#include "cli/downloads.h"
#include "model/documents.h"
#include "server/backup_preview.h"
#include "server/schedule_decision.h"

namespace lateen::cli {
namespace {

// A tick, the backup's own time, and a server that is restarted between them.
constexpr Duration kGrace = std::chrono::hours(1);

server::ServerConfig server_config(const Session& session) {
  server::ServerConfig config;
  config.ns = session.ns();
  return config;
}

// What became of the volumes of the last good backups. Once a server has let one wait until the end
// of its time, the others are not asked for.
class SavedVolumes {
 public:
  SavedVolumes(const Session& session, std::stop_token stop)
      : session_(session), stop_(std::move(stop)) {}

  std::optional<std::vector<assurance::CoveredVolume>> of(const std::string& backup) {
    if (gave_up_) return std::nullopt;
    DownloadOptions options;
    options.timeout = std::chrono::seconds(10);
    const auto text =
        download(session_, model::DownloadTargetKind::BackupVolumeInfos, backup, options, stop_);
    if (!text) {
      gave_up_ = text.error().is(Code::DeadlineExceeded);
      return std::nullopt;
    }
    const auto infos = model::read_backup_volume_infos(*text);
    if (!infos) return std::nullopt;
    return assurance::covered_volumes(*infos);
  }

 private:
  const Session& session_;
  const std::stop_token stop_;
  bool gave_up_ = false;
};

// Two schedules that differ in how long their backups are kept hold the same.
std::string selection_key(const model::Schedule& schedule) {
  model::BackupSpec spec = schedule.spec.backup_template;
  spec.ttl = {};
  return write_json(model::to_json(spec));
}

}  // namespace

model::Backup backup_by(const model::Schedule& schedule) {
  model::Backup backup;
  backup.metadata.name = schedule.metadata.name;
  backup.metadata.ns = schedule.metadata.ns;
  backup.spec = schedule.spec.backup_template;
  return backup;
}

Result<Selection> read_selection(const model::Backup& backup,
                                 const Session& session,
                                 backup::ItemWitness* witness,
                                 const Invocation& call) {
  server::BackupPreview preview = TRY(server::preview_selection(
      backup, session.cluster, server_config(session), call.clock, witness, call.stop));
  return Selection{.objects = std::move(preview.objects),
                   .coverage = std::move(preview.coverage),
                   .validation_errors = std::move(preview.backup.status.validation_errors)};
}

Result<assurance::CoverageFacts> read_coverage_facts(const Session& session,
                                                     const CoverageQuestion& question,
                                                     const Invocation& call) {
  assurance::CoverageFacts facts{.now = call.clock.now()};
  Selection everything =
      TRY(read_selection(server::backup_of_everything(), session, nullptr, call));
  facts.everything = std::move(everything.objects);
  facts.findings = std::move(everything.coverage.findings);
  // Those are of a backup that is to be restored.
  facts.findings.warnings.clear();
  const auto backups = TRY(session.cluster.list<model::Backup>("", call.stop));
  SavedVolumes saved(session, call.stop);
  std::map<std::string, Selection> selections;
  for (const model::Schedule& schedule :
       TRY(session.cluster.list<model::Schedule>("", call.stop))) {
    assurance::ScheduleReach reach{.schedule = schedule.metadata.name,
                                   .paused = schedule.spec.paused,
                                   .objective = question.objective};
    if (const auto interval = server::expected_interval(schedule, facts.now);
        interval && !reach.objective) {
      reach.objective = *interval + kGrace;
    }
    const std::string key = selection_key(schedule);
    auto at = selections.find(key);
    if (at == selections.end()) {
      auto selection = read_selection(backup_by(schedule), session, nullptr, call);
      if (!selection) {
        if (call.stop.stop_requested()) return std::move(selection).error();
        reach.problem = selection.error().message();
        facts.schedules.push_back(std::move(reach));
        continue;
      }
      at = selections.emplace(key, std::move(*selection)).first;
    }
    reach.objects = at->second.objects;
    reach.volumes = at->second.coverage.volumes;
    if (!at->second.validation_errors.empty()) {
      reach.problem = fmt::format("its backups would fail validation: {}",
                                  join(at->second.validation_errors, "; "));
    }
    reach.last_good = assurance::last_good_of(schedule.metadata.name, backups, facts.now);
    if (reach.last_good) reach.last_good->volumes = saved.of(reach.last_good->backup);
    facts.schedules.push_back(std::move(reach));
  }
  return facts;
}

}  // namespace lateen::cli
