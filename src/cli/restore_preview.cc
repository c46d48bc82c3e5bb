#include "cli/restore_preview.h"

#include <algorithm>
#include <map>

#include "archive/archive_reader.h"
#include "base/file.h"
#include "base/temp.h"
#include "cli/coverage_text.h"
#include "cli/restore_warnings.h"
#include "cli/table.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "model/documents.h"
#include "model/phases.h"
#include "model/spec_validation.h"
#include "restore/action.h"
#include "restore/item_extension.h"
#include "restore/namespace_mapping.h"
#include "server/restore_preparation.h"

namespace lateen::cli {
namespace {

using restore::FieldChange;
using restore::PreviewAction;
using restore::PreviewedItem;
using restore::RestorePreview;

// The server has who brings back volumes' files; a plan does not doubt it.
class TrustedVolumes final : public restore::ItemExtension {
 public:
  bool brings_back(const model::BackupVolumeInfo&) const override { return true; }

  Result<restore::ActionVerdict> prepare(std::string_view,
                                         Json&,
                                         const Json&,
                                         const restore::ActionContext&) const override {
    return restore::ActionVerdict();
  }

  Status created(std::string_view,
                 const kube::ObjectPath&,
                 const Json&,
                 const Json&,
                 std::stop_token) override {
    return {};
  }

  Status finish(restore::RestoreOutcome&, std::stop_token) override { return {}; }
};

Status check_spec(const model::RestoreSpec& spec) {
  model::StringList wrong = model::validate(spec);
  const model::StringList mapping = restore::validate_namespace_mapping(spec.namespace_mapping);
  wrong.insert(wrong.end(), mapping.begin(), mapping.end());
  if (wrong.empty()) return {};
  return Error(Code::InvalidArgument, "the restore would fail validation: {}",
               fmt::join(wrong, "; "));
}

// Absent in backups of Velero before 1.14: then the objects themselves tell.
Result<std::vector<model::BackupVolumeInfo>> volume_infos(const std::string& backup,
                                                          const Session& session,
                                                          const DownloadOptions& options,
                                                          std::stop_token stop) {
  const auto text =
      download(session, model::DownloadTargetKind::BackupVolumeInfos, backup, options, stop);
  if (text) return model::read_backup_volume_infos(*text);
  if (text.error().is(Code::NotFound)) return std::vector<model::BackupVolumeInfo>();
  return text.error();
}

std::string place_of(const PreviewedItem& item) {
  return item.ns.empty() ? item.name : fmt::format("{}/{}", item.ns, item.name);
}

std::string shown(const std::string& value) {
  return value.empty() ? "(absent)" : value;
}

std::map<PreviewAction, std::size_t> counts_of(const RestorePreview& preview) {
  std::map<PreviewAction, std::size_t> counts;
  for (const PreviewedItem& item : preview.items)
    ++counts[item.action];
  return counts;
}

std::vector<std::string> lines_of(const model::ResultList& list) {
  std::vector<std::string> lines = list.velero;
  lines.insert(lines.end(), list.cluster.begin(), list.cluster.end());
  for (const auto& [ns, messages] : list.namespaces) {
    for (const std::string& message : messages)
      lines.push_back(fmt::format("{}: {}", ns, message));
  }
  return lines;
}

std::vector<std::string> difference_lines(const RestorePreview& preview) {
  std::vector<std::string> lines;
  for (const PreviewedItem& item : preview.items) {
    if (item.changes.empty()) continue;
    lines.push_back(fmt::format("{} {}", item.group_resource, place_of(item)));
    for (const FieldChange& change : item.changes) {
      lines.push_back(
          fmt::format("  {}: {} -> {}", change.path, shown(change.before), shown(change.after)));
    }
  }
  return lines;
}

std::vector<std::string> left_out_lines(const RestorePreview& preview) {
  std::vector<std::string> lines;
  for (const restore::SkippedItems& one : preview.skipped)
    lines.push_back(fmt::format("{} {}: {}", one.count, one.what, one.reason));
  return lines;
}

std::string print_text(const model::Restore& restore, const RestorePreview& preview) {
  std::string text = fmt::format("Restore {} of backup {}. Nothing was created or changed.\n",
                                 restore.metadata.name, restore.spec.backup_name);
  std::vector<std::vector<std::string>> rows = {
      {"RANK", "ACTION", "RESOURCE", "NAMESPACE", "NAME", "WHY"}};
  for (const PreviewedItem& item : preview.items) {
    rows.push_back({std::to_string(item.rank), std::string(to_string(item.action)),
                    item.group_resource, item.ns.empty() ? "<none>" : item.ns, item.name,
                    item.reason});
  }
  if (rows.size() > 1) text += "\n" + print_table(rows);
  text += print_list("Differences (cluster -> backup)", difference_lines(preview));
  text += print_list("Left out", left_out_lines(preview));
  text += print_list("Warnings", lines_of(preview.results.warnings));
  text += print_list("Errors", lines_of(preview.results.errors));
  std::vector<std::string> sums;
  for (const auto& [action, count] : counts_of(preview))
    sums.push_back(fmt::format("{} {}", count, to_string(action)));
  text += fmt::format(
      "\n{}\n", sums.empty() ? "Nothing to restore." : fmt::format("{}", fmt::join(sums, ", ")));
  return text;
}

Json item_document(const PreviewedItem& item) {
  JsonObject json{{"rank", item.rank},
                  {"action", to_string(item.action)},
                  {"resource", item.group_resource},
                  {"kind", item.kind}};
  if (!item.ns.empty()) json["namespace"] = item.ns;
  json["name"] = item.name;
  if (!item.reason.empty()) json["reason"] = item.reason;
  if (item.changes.empty()) return json;
  JsonArray changes;
  for (const FieldChange& change : item.changes) {
    changes.push_back(JsonObject{
        {"path", change.path}, {"inCluster", change.before}, {"inBackup", change.after}});
  }
  json["changes"] = std::move(changes);
  return json;
}

}  // namespace

Result<RestorePreview> make_restore_preview(const model::Restore& asked,
                                            const Session& session,
                                            const DownloadOptions& options,
                                            const Invocation& call) {
  TRY(check_spec(asked.spec));
  model::Restore restore = asked;
  model::add_non_restorable_resources(restore.spec);
  const std::string& backup = restore.spec.backup_name;
  const auto record = TRY(session.cluster.get<model::Backup>(backup, call.stop));
  if (!model::is_restorable(record.status.phase.value())) {
    return Error(Code::InvalidArgument, "backup {} is in phase {}: there is nothing to plan with",
                 backup, record.status.phase.text());
  }
  const TempDir scratch = TRY(TempDir::create("lateen-plan"));
  const FilePath tarball = scratch.path() / "backup.tar.gz";
  {
    const UniqueFd file = TRY(open_for_writing(tarball, 0600));
    TRY(download_to(file.get(), session, model::DownloadTargetKind::BackupContents, backup, options,
                    call.stop)
            .wrap("the contents of backup {}", backup));
  }
  archive::ArchiveReaderOptions reading;
  reading.temp_dir = scratch.path();
  const auto archive = TRY(archive::ArchiveReader::open(tarball, reading, call.stop));
  TrustedVolumes trusted;
  const restore::RestoreTools tools{.client = *session.client,
                                    .clock = call.clock,
                                    .log = Log(),
                                    .velero_namespace = session.ns(),
                                    .extensions = {&trusted}};
  restore::RestoreRunOptions running;
  running.volumes = TRY(volume_infos(backup, session, options, call.stop));
  running.modifiers = TRY(server::read_modifiers(restore, *session.client, call.stop));
  const kube::Discovery discovery = TRY(kube::discover(*session.client, call.stop));
  const restore::RestorePlan plan = restore::plan_restore(restore.spec, archive.items(), discovery);
  RestorePreview preview =
      TRY(restore::preview_restore(restore, plan, archive, tools, running, call.stop));
  for (const std::string& line :
       warning_lines(TRY(restore_warnings(plan, archive, running.volumes, session, call.stop)))) {
    preview.results.warnings.add_velero(line);
  }
  return preview;
}

Json restore_preview_document(const model::Restore& restore, const RestorePreview& preview) {
  JsonArray items;
  for (const PreviewedItem& item : preview.items)
    items.push_back(item_document(item));
  JsonArray left_out;
  for (const restore::SkippedItems& one : preview.skipped) {
    left_out.push_back(
        JsonObject{{"resource", one.what}, {"count", one.count}, {"reason", one.reason}});
  }
  JsonObject summary;
  for (const auto& [action, count] : counts_of(preview))
    summary[to_string(action)] = count;
  return JsonObject{{"restore", model::to_json(restore)},
                    {"items", std::move(items)},
                    {"leftOut", std::move(left_out)},
                    {"warnings", texts_json(lines_of(preview.results.warnings))},
                    {"errors", texts_json(lines_of(preview.results.errors))},
                    {"summary", std::move(summary)}};
}

std::string print_restore_preview(const model::Restore& restore,
                                  const RestorePreview& preview,
                                  OutputFormat format) {
  return format == OutputFormat::JsonText || format == OutputFormat::Yaml
             ? print_document(restore_preview_document(restore, preview), format)
             : print_text(restore, preview);
}

int exit_code_of(const RestorePreview& preview) {
  if (preview.has_problems()) return 2;
  return preview.has_changes() ? 1 : 0;
}

}  // namespace lateen::cli
