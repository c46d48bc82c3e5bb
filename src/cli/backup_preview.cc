#include "cli/backup_preview.h"

#include "base/duration.h"
#include "base/text.h"
#include "cli/coverage_text.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

using server::BackupPreview;

std::string or_none(const std::string& text) {
  return text.empty() ? "<none>" : text;
}

// "2 objects", "1 object".
std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// A table under its heading; nothing when it has no rows.
std::string section(std::string_view heading, const std::vector<std::vector<std::string>>& rows) {
  if (rows.size() < 2) return {};
  return fmt::format("\n{}:\n{}", heading, print_table(rows));
}

std::vector<std::vector<std::string>> object_rows(const BackupPreview& preview) {
  std::vector<std::vector<std::string>> rows = {{"KIND", "OBJECTS"}};
  for (const auto& [kind, names] : preview.objects)
    rows.push_back({kind, std::to_string(names.size())});
  return rows;
}

std::vector<std::vector<std::string>> volume_rows(const BackupPreview& preview) {
  std::vector<std::vector<std::string>> rows = {
      {"NAMESPACE", "CLAIM", "VOLUME", "POD", "PATH", "WITH", "WHY"}};
  for (const backup::PlannedVolume& one : preview.volumes) {
    rows.push_back({or_none(one.ns), or_none(one.claim), one.volume, or_none(one.pod),
                    std::string(volumes::to_string(one.method)), or_none(one.with), one.reason});
  }
  return rows;
}

std::vector<std::vector<std::string>> hook_rows(const BackupPreview& preview) {
  std::vector<std::vector<std::string>> rows = {
      {"NAMESPACE", "POD", "PHASE", "CONTAINER", "COMMAND", "ON ERROR", "TIMEOUT", "FROM"}};
  for (const backup::PlannedHook& one : preview.hooks) {
    rows.push_back({one.ns, one.pod, std::string(to_string(one.phase)), one.hook.container,
                    join(one.hook.command, " "), one.hook.continue_on_error ? "Continue" : "Fail",
                    format_go_duration(one.hook.timeout), one.hook.name});
  }
  return rows;
}

std::vector<std::string> unsaved_lines(const BackupPreview& preview) {
  std::vector<std::string> lines;
  for (const model::BackupVolumeInfo& info : preview.unsaved_volumes) {
    const std::string claim =
        info.pvc_name.empty() ? "" : fmt::format("{}/{}", info.pvc_namespace, info.pvc_name);
    const std::string which = claim.empty() ? info.pv_name
                              : info.pv_name.empty()
                                  ? claim
                                  : fmt::format("{} (volume {})", claim, info.pv_name);
    lines.push_back(fmt::format("{}: {}", which, info.skipped_reason));
  }
  return lines;
}

std::vector<std::string> kind_lines(const BackupPreview& preview) {
  std::vector<std::string> lines;
  for (const backup::SkippedKind& kind : preview.coverage.left_out_kinds)
    lines.push_back(fmt::format("{}: {}", kind.kind, kind.reason));
  return lines;
}

std::string print_text(const BackupPreview& preview) {
  std::size_t objects = 0;
  for (const auto& [kind, names] : preview.objects)
    objects += names.size();
  std::string text = fmt::format(
      "Backup {} would hold {} of {} in location {}. Nothing was stored, no hook ran, and no "
      "volume was touched.\n",
      preview.backup.metadata.name, counted(objects, "object"),
      counted(preview.objects.size(), "kind"), preview.backup.spec.storage_location);
  text += section("Objects", object_rows(preview));
  text += section("Volumes", volume_rows(preview));
  text += section("Hooks", hook_rows(preview));
  text += print_list("Volumes whose data are not covered", unsaved_lines(preview));
  text += print_list("Namespaces that are not covered",
                     namespace_lines(preview.coverage.left_out_namespaces));
  text += print_list("Kinds that are not covered", kind_lines(preview));
  text += print_out_of_reach(preview.coverage.findings);
  text += print_list("Warnings", preview.warnings);
  text += print_list("Errors", preview.errors);
  return text;
}

Json volume_document(const backup::PlannedVolume& one) {
  JsonObject json;
  json["namespace"] = one.ns;
  if (!one.claim.empty()) json["claim"] = one.claim;
  json["volume"] = one.volume;
  if (!one.pod.empty()) json["pod"] = one.pod;
  json["path"] = volumes::to_string(one.method);
  if (!one.with.empty()) json["with"] = one.with;
  json["reason"] = one.reason;
  return json;
}

Json hook_document(const backup::PlannedHook& one) {
  return JsonObject{{"namespace", one.ns},
                    {"pod", one.pod},
                    {"phase", to_string(one.phase)},
                    {"name", one.hook.name},
                    {"source", to_string(one.hook.source)},
                    {"container", one.hook.container},
                    {"command", texts_json(one.hook.command)},
                    {"onError", one.hook.continue_on_error ? "Continue" : "Fail"},
                    {"timeout", format_go_duration(one.hook.timeout)}};
}

Json unsaved_document(const model::BackupVolumeInfo& info) {
  JsonObject json;
  if (!info.pvc_name.empty()) {
    json["namespace"] = info.pvc_namespace;
    json["claim"] = info.pvc_name;
  }
  if (!info.pv_name.empty()) json["volume"] = info.pv_name;
  json["reason"] = info.skipped_reason;
  return json;
}

}  // namespace

Json preview_document(const BackupPreview& preview) {
  JsonObject objects;
  for (const auto& [kind, names] : preview.objects)
    objects[kind] = JsonArray(names.begin(), names.end());
  JsonArray saved;
  for (const backup::PlannedVolume& one : preview.volumes)
    saved.push_back(volume_document(one));
  JsonArray hooks;
  for (const backup::PlannedHook& one : preview.hooks)
    hooks.push_back(hook_document(one));
  JsonArray unsaved;
  for (const model::BackupVolumeInfo& info : preview.unsaved_volumes)
    unsaved.push_back(unsaved_document(info));
  const Json coverage = assurance::to_json(preview.coverage);
  JsonArray namespaces;
  for (const assurance::LeftOutNamespace& ns : preview.coverage.left_out_namespaces)
    namespaces.emplace_back(ns.name);
  return JsonObject{{"backup", model::to_json(preview.backup)},
                    {"objects", std::move(objects)},
                    {"volumes", std::move(saved)},
                    {"hooks", std::move(hooks)},
                    {"notCovered", JsonObject{{"volumes", std::move(unsaved)},
                                              {"namespaces", std::move(namespaces)},
                                              {"kinds", coverage.at("leftOut").at("kinds")},
                                              {"localVolumes", coverage.at("localVolumes")},
                                              {"outside", coverage.at("outside")}}},
                    {"planWarnings", coverage.at("warnings")},
                    {"warnings", texts_json(preview.warnings)},
                    {"errors", texts_json(preview.errors)}};
}

std::string print_preview(const BackupPreview& preview, OutputFormat format) {
  return format == OutputFormat::JsonText || format == OutputFormat::Yaml
             ? print_document(preview_document(preview), format)
             : print_text(preview);
}

}  // namespace lateen::cli
