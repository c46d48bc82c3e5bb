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

std::vector<std::string> left_out(const std::vector<backup::NamespaceFacts>& present,
                                  const backup::NamespaceFilter& filter) {
  std::vector<std::string> names;
  for (const backup::NamespaceFacts& ns : present) {
    if (!filter.includes(ns.name)) names.push_back(ns.name);
  }
  return names;
}

}  // namespace

Result<BackupPreview> preview_backup(const model::Backup& backup,
                                     const Cluster& cluster,
                                     const ServerConfig& config,
                                     const Clock& clock,
                                     std::stop_token stop) {
  BackupPreview preview;
  preview.backup = TRY(prepared(backup, cluster, config, clock, stop));
  const auto policy = TRY(read_policy(preview.backup, cluster, stop));
  const kube::Discovery discovery = TRY(kube::discover(cluster.client(), stop));
  const auto namespaces = TRY(backup::read_namespaces(cluster.client(), stop));
  const model::BackupSpec& spec = preview.backup.spec;
  backup::BackupPlan plan = backup::plan_backup(
      policy && policy->include_exclude() ? backup::with_policy(spec, *policy->include_exclude())
                                          : spec,
      discovery, namespaces);

  auto said = std::make_shared<CapturingSink>(LogLevel::Warning, LogFormat::Text,
                                              [](BytesView) { return Status(); });
  backup::Rehearsal rehearsal;
  const backup::BackupTools tools{
      .client = cluster.client(), .discovery = discovery, .clock = clock, .log = Log().to(said)};
  const backup::BackupRunOptions options{.page_size = config.client_page_size,
                                         .workers = 2 * hardware_threads(),
                                         .policy = policy,
                                         .rehearsal = &rehearsal};
  NowhereSink nowhere;
  archive::ArchiveWriter archive(nowhere, nullptr, clock, {});
  backup::BackupOutcome outcome =
      TRY(backup::run_backup(preview.backup, plan, tools, options, archive, stop));
  TRY(archive.finish(stop));

  preview.objects = outcome.names.list();
  preview.volumes = rehearsal.volumes();
  preview.hooks = rehearsal.hooks();
  for (model::BackupVolumeInfo& info : outcome.volumes) {
    if (info.skipped) preview.unsaved_volumes.push_back(std::move(info));
  }
  preview.left_out_kinds = std::move(plan.skipped);
  preview.left_out_namespaces = left_out(namespaces, plan.namespaces);
  for (const LogEntry& entry : said->kept()) {
    (entry.level == LogLevel::Error ? preview.errors : preview.warnings).push_back(text_of(entry));
  }
  return preview;
}

}  // namespace lateen::server
