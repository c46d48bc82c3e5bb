#include "server/backup_preview.h"

#include "archive/archive_writer.h"
#include "backup/run.h"
#include "base/log_capture.h"
#include "base/text.h"
#include "base/thread.h"
#include "kube/discovery.h"
#include "model/phases.h"
#include "server/backup_preparation.h"
#include "server/backup_surroundings.h"
#include "server/policy.h"

namespace lateen::server {
namespace {

// Where the tarball of a backup goes that is only tried.
class NowhereSink final : public ByteSink {
 public:
  Status write(BytesView) override { return {}; }
};

// "message (namespace shop, name db-0): error".
std::string text_of(const LogEntry& entry) {
  std::vector<std::string> which;
  std::string why;
  for (const LogField& field : entry.fields) {
    const auto* text = std::get_if<std::string>(&field.value);
    if (text == nullptr || text->empty()) continue;
    if (field.key == "error" || field.key == "reason") {
      why = ": " + *text;
    } else if (field.key == "resource" || field.key == "namespace" || field.key == "name" ||
               field.key == "volume") {
      which.push_back(fmt::format("{} {}", field.key, *text));
    }
  }
  return which.empty() ? entry.message + why
                       : fmt::format("{} ({}){}", entry.message, join(which, ", "), why);
}

Result<model::Backup> prepared(const model::Backup& backup,
                               const Cluster& cluster,
                               const ServerConfig& config,
                               const Clock& clock,
                               std::stop_token stop) {
  const BackupSurroundings around = TRY(read_surroundings(backup, cluster, stop));
  model::Backup ready = prepare_backup(backup, around, config, clock.now());
  if (ready.status.phase == model::BackupPhase::FailedValidation) {
    return Error(Code::InvalidArgument, "the backup would fail validation: {}",
                 join(ready.status.validation_errors, "; "));
  }
  return ready;
}

// The volumes as they would be saved: in a rehearsal nothing has been, so that the run's own
// account knows only of those that it passes over.
std::vector<assurance::CoveredVolume> planned_volumes(const BackupPreview& preview) {
  std::vector<assurance::CoveredVolume> volumes;
  for (const backup::PlannedVolume& one : preview.volumes) {
    volumes.push_back({.ns = one.ns,
                       .claim = one.claim,
                       .volume = one.volume,
                       .pod = one.pod,
                       .path = std::string(volumes::to_string(one.method))});
  }
  for (assurance::CoveredVolume& one : assurance::covered_volumes(preview.unsaved_volumes))
    volumes.push_back(std::move(one));
  return volumes;
}

// Tries the backup, whose spec is complete.
Result<BackupPreview> rehearse(model::Backup prepared,
                               const Cluster& cluster,
                               const ServerConfig& config,
                               const Clock& clock,
                               backup::ItemWitness* witness,
                               std::stop_token stop) {
  BackupPreview preview;
  preview.backup = std::move(prepared);
  const auto policy = TRY(read_policy(preview.backup, cluster, stop));
  const kube::Discovery discovery = TRY(kube::discover(cluster.client(), stop));
  const auto namespaces = TRY(backup::read_namespaces(cluster.client(), stop));
  const model::BackupSpec& spec = preview.backup.spec;
  const backup::BackupPlan plan = backup::plan_backup(
      policy && policy->include_exclude() ? backup::with_policy(spec, *policy->include_exclude())
                                          : spec,
      discovery, namespaces);

  auto said = std::make_shared<CapturingSink>(LogLevel::Warning, LogFormat::Text,
                                              [](BytesView) { return Status(); });
  backup::Rehearsal rehearsal;
  assurance::ObjectWitness own;
  const backup::BackupTools tools{
      .client = cluster.client(), .discovery = discovery, .clock = clock, .log = Log().to(said)};
  const backup::BackupRunOptions options{.page_size = config.client_page_size,
                                         .workers = 2 * hardware_threads(),
                                         .policy = policy,
                                         .rehearsal = &rehearsal,
                                         .witness = witness != nullptr ? witness : &own};
  NowhereSink nowhere;
  archive::ArchiveWriter archive(nowhere, nullptr, clock, {});
  backup::BackupOutcome outcome =
      TRY(backup::run_backup(preview.backup, plan, tools, options, archive, stop));
  TRY(archive.finish(stop));

  preview.objects = outcome.names.list();
  preview.volumes = rehearsal.volumes();
  preview.hooks = rehearsal.hooks();
  preview.coverage = assurance::coverage_of({.backup = preview.backup.metadata.name,
                                             .plan = plan,
                                             .namespaces = namespaces,
                                             .volumes = outcome.volumes,
                                             .witness = own});
  for (model::BackupVolumeInfo& info : outcome.volumes) {
    if (info.skipped) preview.unsaved_volumes.push_back(std::move(info));
  }
  preview.coverage.volumes = planned_volumes(preview);
  for (const LogEntry& entry : said->kept()) {
    (entry.level == LogLevel::Error ? preview.errors : preview.warnings).push_back(text_of(entry));
  }
  return preview;
}

}  // namespace

Result<BackupPreview> preview_backup(const model::Backup& backup,
                                     const Cluster& cluster,
                                     const ServerConfig& config,
                                     const Clock& clock,
                                     std::stop_token stop) {
  return rehearse(TRY(prepared(backup, cluster, config, clock, stop)), cluster, config, clock,
                  nullptr, stop);
}

Result<BackupPreview> preview_selection(const model::Backup& backup,
                                        const Cluster& cluster,
                                        const ServerConfig& config,
                                        const Clock& clock,
                                        backup::ItemWitness* witness,
                                        std::stop_token stop) {
  const BackupSurroundings around = TRY(read_surroundings(backup, cluster, stop));
  return rehearse(prepare_backup(backup, around, config, clock.now()), cluster, config, clock,
                  witness, stop);
}

model::Backup backup_of_everything() {
  model::Backup everything;
  everything.metadata.name = "everything";
  everything.spec.included_namespaces = {"*"};
  everything.spec.include_cluster_resources = true;
  return everything;
}

}  // namespace lateen::server
