#include "assurance/backup_coverage.h"

#include <algorithm>

#include <fmt/format.h>

#include "assurance/platform_namespaces.h"
#include "base/text.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kApiVersion = "lateen.io/v1";
constexpr std::string_view kKind = "BackupCoverage";

Json to_json(const CoveredVolume& one) {
  JsonObject json;
  if (!one.ns.empty()) json["namespace"] = one.ns;
  if (!one.claim.empty()) json["claim"] = one.claim;
  if (!one.volume.empty()) json["volume"] = one.volume;
  if (!one.pod.empty()) json["pod"] = one.pod;
  json["path"] = one.path;
  if (!one.reason.empty()) json["reason"] = one.reason;
  return json;
}

Json to_json(const LeftOutNamespace& one) {
  JsonObject json{{"name", one.name}};
  if (!one.platform.empty()) {
    json["platform"] = one.platform;
    json["why"] = one.why;
  }
  return json;
}

Json to_json(const backup::SkippedKind& one) {
  return JsonObject{{"kind", one.kind}, {"reason", one.reason}};
}

template <typename T>
JsonArray list_json(const std::vector<T>& list) {
  JsonArray json;
  for (const T& one : list)
    json.push_back(to_json(one));
  return json;
}

CoveredVolume covered_volume_from(const Json& json) {
  return {.ns = std::string(string_at(json, "namespace")),
          .claim = std::string(string_at(json, "claim")),
          .volume = std::string(string_at(json, "volume")),
          .pod = std::string(string_at(json, "pod")),
          .path = std::string(string_at(json, "path")),
          .reason = std::string(string_at(json, "reason"))};
}

LeftOutNamespace left_out_namespace_from(const Json& json) {
  return {.name = std::string(string_at(json, "name")),
          .platform = std::string(string_at(json, "platform")),
          .why = std::string(string_at(json, "why"))};
}

backup::SkippedKind skipped_kind_from(const Json& json) {
  return {.kind = std::string(string_at(json, "kind")),
          .reason = std::string(string_at(json, "reason"))};
}

template <typename T>
std::vector<T> list_from(const Json& json, std::string_view path, T (*read)(const Json&)) {
  std::vector<T> list;
  const JsonArray* items = array_at(json, path);
  if (items == nullptr) return list;
  for (const Json& item : *items)
    list.push_back(read(item));
  return list;
}

CoveredVolume covered(const model::BackupVolumeInfo& info) {
  CoveredVolume volume{.ns = info.pvc_namespace,
                       .claim = info.pvc_name,
                       .volume = info.pv_name,
                       .path = std::string(path_of(info))};
  if (info.pvb_info) {
    volume.pod = info.pvb_info->pod_name;
    if (volume.ns.empty()) volume.ns = info.pvb_info->pod_namespace;
    if (volume.volume.empty()) volume.volume = info.pvb_info->volume_name;
  }
  if (volume.path == "none") {
    volume.reason =
        info.skipped ? info.skipped_reason : "saving it failed; the backup's log says why";
  }
  return volume;
}

}  // namespace

std::string_view path_of(const model::BackupVolumeInfo& info) {
  if (info.skipped) return "none";
  // Its result is Failed for as long as the data are on their way.
  if (info.snapshot_data_moved && info.snapshot_data_movement_info) {
    const std::string& phase = info.snapshot_data_movement_info->phase;
    return phase == "Failed" || phase == "Canceled" ? "none" : "data movement";
  }
  if (info.result == model::VolumeResult::Failed) return "none";
  switch (info.backup_method.value()) {
    case model::VolumeBackupMethod::CSISnapshot:
      return "CSI snapshot";
    case model::VolumeBackupMethod::NativeSnapshot:
      return "native snapshot";
    case model::VolumeBackupMethod::PodVolumeBackup:
      return "file-system backup";
    case model::VolumeBackupMethod::Unset:
    case model::VolumeBackupMethod::Unknown:
      break;
  }
  return "none";
}

std::vector<backup::SkippedKind> left_out_kinds(const backup::BackupPlan& plan,
                                                const ObjectCounts& held) {
  std::vector<backup::SkippedKind> kinds = plan.skipped;
  for (backup::SkippedKind& one : kinds) {
    const auto at = held.find(one.kind);
    if (at == held.end()) continue;
    one.reason = fmt::format("{}; {} came along, since other objects lead to {}", one.reason,
                             at->second, at->second == 1 ? "it" : "them");
  }
  return kinds;
}

std::vector<LeftOutNamespace> left_out_namespaces(
    const std::vector<backup::NamespaceFacts>& present, const backup::NamespaceFilter& filter) {
  std::vector<LeftOutNamespace> names;
  for (const backup::NamespaceFacts& ns : present) {
    if (filter.includes(ns.name)) continue;
    LeftOutNamespace one{.name = ns.name};
    if (const PlatformNamespace* platform = platform_namespace(ns.name)) {
      one.platform = platform->platform;
      one.why = platform->why;
    }
    names.push_back(std::move(one));
  }
  return names;
}

std::vector<CoveredVolume> covered_volumes(const std::vector<model::BackupVolumeInfo>& infos) {
  std::vector<CoveredVolume> volumes;
  volumes.reserve(infos.size());
  for (const model::BackupVolumeInfo& info : infos)
    volumes.push_back(covered(info));
  return volumes;
}

BackupCoverage coverage_of(const CoveredRun& run) {
  BackupCoverage coverage{
      .backup = run.backup,
      .volumes = covered_volumes(run.volumes),
      .left_out_namespaces = left_out_namespaces(run.namespaces, run.plan.namespaces),
      .left_out_kinds = left_out_kinds(run.plan, run.witness.counts()),
      .findings = run.witness.findings("the backup")};
  // Where definitions come along, a kind that has none is served without one (by an aggregated
  // API).
  if (run.plan.resources.crds_by_default()) {
    std::erase_if(coverage.findings.warnings,
                  [](const PlanWarning& one) { return one.id == "missing-crd"; });
  }
  // A volume whose files were copied is in the backup, claim or not.
  std::erase_if(coverage.findings.local_volumes, [&run](const LocalVolume& one) {
    return std::ranges::any_of(run.volumes, [&one](const model::BackupVolumeInfo& info) {
      return info.pvb_info && info.pvb_info->pod_namespace == one.ns &&
             info.pvb_info->pod_name == one.pod && info.pvb_info->volume_name == one.volume;
    });
  });
  return coverage;
}

Json to_json(const BackupCoverage& coverage) {
  return JsonObject{{"apiVersion", kApiVersion},
                    {"kind", kKind},
                    {"backup", coverage.backup},
                    {"volumes", list_json(coverage.volumes)},
                    {"localVolumes", list_json(coverage.findings.local_volumes)},
                    {"outside", list_json(coverage.findings.outside)},
                    {"leftOut", JsonObject{{"namespaces", list_json(coverage.left_out_namespaces)},
                                           {"kinds", list_json(coverage.left_out_kinds)}}},
                    {"warnings", list_json(coverage.findings.warnings)},
                    {"notListed", coverage.findings.not_listed}};
}

Result<BackupCoverage> backup_coverage_from(BytesView document) {
  const Json json = TRY(parse_json(document));
  if (string_at(json, "kind") != kKind) {
    return Error(Code::InvalidArgument, "the document is no {}", kKind);
  }
  BackupCoverage coverage;
  coverage.backup = string_at(json, "backup");
  coverage.volumes = list_from(json, "volumes", covered_volume_from);
  coverage.left_out_namespaces = list_from(json, "leftOut.namespaces", left_out_namespace_from);
  coverage.left_out_kinds = list_from(json, "leftOut.kinds", skipped_kind_from);
  coverage.findings.local_volumes = list_from(json, "localVolumes", local_volume_from);
  coverage.findings.outside = list_from(json, "outside", outside_reference_from);
  coverage.findings.warnings = list_from(json, "warnings", plan_warning_from);
  coverage.findings.not_listed =
      static_cast<std::size_t>(std::max<std::int64_t>(0, int_at(json, "notListed").value_or(0)));
  return coverage;
}

}  // namespace lateen::assurance
