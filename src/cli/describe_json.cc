// `backup describe -o json`. The keys are Velero's, the misspelt ones too ("uploderType",
// "onError:"): scripts read them.
#include "base/duration.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/describe.h"
#include "cli/describe_coverage.h"
#include "cli/describe_parts.h"
#include "cli/describe_volumes.h"
#include "model/documents.h"

namespace lateen::cli {
namespace {

using model::DownloadTargetKind;

// Go prints a map or a list that was never made as null.
Json map_json(const model::StringMap& map) {
  if (map.empty()) return nullptr;
  JsonObject object;
  for (const auto& [key, value] : map)
    object[key] = value;
  return object;
}

JsonObject results_json(const model::ResultList& results) {
  JsonObject namespaces;
  for (const auto& [ns, messages] : results.namespaces)
    namespaces[ns] = texts_json(messages);
  const Json no_namespaces = JsonArray();
  return {{"velero", texts_json(results.velero)},
          {"cluster", texts_json(results.cluster)},
          {"namespace", namespaces.empty() ? no_namespaces : Json(std::move(namespaces))}};
}

void add_results(JsonObject& out, const DescribedBackup& described) {
  const model::BackupStatus& status = described.backup.status;
  if (status.warnings == 0 && status.errors == 0) return;
  JsonObject errors;
  JsonObject warnings;
  const auto document = described.document(DownloadTargetKind::BackupResults);
  const auto results = document ? model::read_results(*document) : document.error();
  if (results) {
    if (status.errors > 0) errors = results_json(results->errors);
    if (status.warnings > 0) warnings = results_json(results->warnings);
  } else if (results.error().is(Code::NotFound)) {
    errors["count"] = status.errors;
    warnings["count"] = status.warnings;
  } else {
    const std::string_view verb = document ? "decoding" : "getting";
    const std::string& why = results.error().message();
    errors["errorGettingErrors"] = fmt::format("<error {} errors: {}>", verb, why);
    warnings["errorGettingWarnings"] = fmt::format("<error {} warnings: {}>", verb, why);
  }
  out["errors"] = std::move(errors);
  out["warnings"] = std::move(warnings);
}

JsonObject filter_json(const model::StringList& included, const model::StringList& excluded) {
  return {{"included", listed(included, "*")}, {"excluded", listed(excluded, "<none>")}};
}

JsonArray hooks_json(const std::vector<model::BackupResourceHook>& hooks) {
  JsonArray array;
  for (const model::BackupResourceHook& hook : hooks) {
    if (!hook.exec) continue;
    array.push_back(JsonObject{{"container", hook.exec->container},
                               {"command", join(hook.exec->command, " ")},
                               {"onError:", hook.exec->on_error.text()},
                               {"timeout", format_go_duration(hook.exec->timeout)}});
  }
  return array;
}

void add_hooks(JsonObject& spec, const model::BackupHooks& hooks) {
  if (hooks.resources.empty()) return;
  JsonObject resources;
  for (const model::BackupResourceHookSpec& hook : hooks.resources) {
    resources[hook.name] =
        JsonObject{{"namespaces", filter_json(hook.included_namespaces, hook.excluded_namespaces)},
                   {"resources", filter_json(hook.included_resources, hook.excluded_resources)},
                   {"labelSelector", selector_text(hook.label_selector)},
                   {"preExecHook", hooks_json(hook.pre)},
                   {"postExecHook", hooks_json(hook.post)}};
  }
  spec["hooks"] = JsonObject{{"resources", std::move(resources)}};
}

JsonObject spec_json(const model::BackupSpec& spec) {
  JsonObject resources = filter_json(spec.included_resources, spec.excluded_resources);
  resources["clusterScoped"] = tristate(spec.include_cluster_resources, kClusterScopedWords);
  JsonObject out = {{"namespaces", filter_json(spec.included_namespaces, spec.excluded_namespaces)},
                    {"resources", std::move(resources)},
                    {"labelSelector", selector_text(spec.label_selector)},
                    {"storageLocation", spec.storage_location},
                    {"veleroNativeSnapshotPVs", tristate(spec.snapshot_volumes, kAutoWords)},
                    {"veleroSnapshotMoveData", tristate(spec.snapshot_move_data, kAutoWords)},
                    {"dataMover", spec.datamover.empty() ? "<none>" : spec.datamover},
                    {"TTL", format_go_duration(spec.ttl)},
                    {"CSISnapshotTimeout", format_go_duration(spec.csi_snapshot_timeout)}};
  add_hooks(out, spec.hooks);
  if (!spec.ordered_resources.empty()) out["orderedResources"] = map_json(spec.ordered_resources);
  return out;
}

void add_resource_list(JsonObject& status, const DescribedBackup& described) {
  constexpr std::string_view kProblem = "errorGettingResourceList";
  const auto document = described.document(DownloadTargetKind::BackupResourceList);
  if (!document) {
    status[kProblem] =
        document.error().is(Code::NotFound)
            ? "<backup resource list not found>"
            : fmt::format("<error getting backup resource list: {}>", document.error().message());
    return;
  }
  const auto resources = model::read_resource_list(*document);
  if (!resources) {
    status[kProblem] =
        fmt::format("<error reading backup resource list: {}>", resources.error().message());
    return;
  }
  JsonObject list;
  for (const auto& [type, items] : *resources)
    list[type] = texts_json(items);
  status["resourceList"] = std::move(list);
}

Json native_json(const BackupVolumes& volumes, bool details) {
  if (volumes.native.empty()) return "<none included>";
  JsonObject out;
  for (const model::BackupVolumeInfo& volume : volumes.native) {
    if (!details) {
      out[volume.pv_name] = "specify --details for more information";
      continue;
    }
    const auto snapshot = volume.native_snapshot_info.value_or(model::NativeSnapshotInfo());
    out[volume.pv_name] = JsonObject{{"snapshotID", snapshot.snapshot_handle},
                                     {"type", snapshot.volume_type},
                                     {"availabilityZone", snapshot.volume_az},
                                     {"IOPS", snapshot.iops},
                                     {"result", volume.result.text()}};
  }
  return out;
}

Json local_snapshot_json(const model::BackupVolumeInfo& volume) {
  const auto snapshot = volume.csi_snapshot_info.value_or(model::CsiSnapshotInfo());
  JsonObject out = {{"snapshotContentName", snapshot.vsc_name},
                    {"storageSnapshotID", snapshot.snapshot_handle},
                    {"snapshotSize(bytes)", snapshot.size},
                    {"csiDriver", snapshot.driver},
                    {"result", volume.result.text()}};
  if (!volume.snapshot_data_moved) out["operationID"] = snapshot.operation_id;
  return out;
}

Json data_movement_json(const model::BackupVolumeInfo& volume) {
  const auto movement =
      volume.snapshot_data_movement_info.value_or(model::SnapshotDataMovementInfo());
  JsonObject out = {{"operationID", movement.operation_id},
                    {"dataMover", movement.data_mover.empty() ? "velero" : movement.data_mover},
                    {"uploaderType", movement.uploader_type},
                    {"result", volume.result.text()}};
  if (movement.size > 0 || movement.incremental_size > 0) {
    out["size"] = movement.size;
    out["incrementalSize"] = movement.incremental_size;
  }
  return out;
}

Json csi_json(const BackupVolumes& volumes, bool details) {
  if (volumes.csi.empty()) return Json(volumes.no_csi());
  JsonObject out;
  for (const model::BackupVolumeInfo& volume : volumes.csi) {
    JsonObject one;
    if (volume.preserve_local_snapshot)
      one["snapshot"] = details ? local_snapshot_json(volume) : Json(kForMore);
    if (volume.snapshot_data_moved)
      one["dataMovement"] = details ? data_movement_json(volume) : Json(kForMore);
    out[fmt::format("{}/{}", volume.pvc_namespace, volume.pvc_name)] = std::move(one);
  }
  return out;
}

Json pod_volumes_json(const std::vector<model::PodVolumeBackup>& all, bool details) {
  if (all.empty()) return "<none included>";
  JsonObject phases;
  for (const PhaseOfPodVolumes& phase : group_by_phase(all)) {
    if (!details) {
      phases[phase.phase] = phase.count;
      continue;
    }
    JsonArray pods;
    for (const PodVolumes& pod : phase.pods)
      pods.push_back(JsonObject{{pod.pod, join(pod.volumes, ", ")}});
    phases[phase.phase] = std::move(pods);
  }
  return JsonObject{{"uploderType", all.front().spec.uploader_type},
                    {"podVolumeBackupsDetails", std::move(phases)}};
}

Json volumes_json(const DescribedBackup& described, bool details) {
  const auto volumes = read_backup_volumes(described);
  // Velero leaves the whole key out then; a script that asks for a part of it gets nothing either
  // way.
  if (!volumes) return JsonObject{{"errorGetBackupVolumeInfo", volumes.error().message()}};
  return JsonObject{{"nativeSnapshots", native_json(*volumes, details)},
                    {"csiSnapshots", csi_json(*volumes, details)},
                    {"podVolumeBackups", pod_volumes_json(described.pod_volumes, details)}};
}

JsonObject status_json(const DescribedBackup& described, const DescriptionText& text) {
  const model::BackupStatus& status = described.backup.status;
  const bool details = text.style().details;
  JsonObject out = {{"backupFormatVersion", status.format_version},
                    {"started", text.time(status.start_timestamp, "<n/a>")},
                    {"completed", text.time(status.completion_timestamp, "<n/a>")},
                    {"expiration", text.time(status.expiration, "<nil>")}};
  if (status.progress) {
    const bool running = status.phase == model::BackupPhase::InProgress;
    out[running ? "estimatedTotalItemsToBeBackedUp" : "totalItemsToBeBackedUp"] =
        status.progress->total_items;
    out[running ? "itemsBackedUpSoFar" : "itemsBackedUp"] = status.progress->items_backed_up;
  }
  if (details) add_resource_list(out, described);
  out["backupVolumes"] = volumes_json(described, details);
  if (status.hook_status) {
    out["hooksAttempted"] = status.hook_status->hooks_attempted;
    out["hooksFailed"] = status.hook_status->hooks_failed;
  }
  return out;
}

Json deletions_json(const std::vector<model::DeleteBackupRequest>& requests,
                    const DescriptionText& text) {
  JsonArray all;
  std::int64_t failed = 0;
  for (const model::DeleteBackupRequest& request : requests) {
    JsonObject one = {
        {"creationTimestamp", text.time(request.metadata.creation_timestamp, "<nil>")},
        {"phase", request.status.phase.text()}};
    if (!request.status.errors.empty()) {
      one["errors"] = texts_json(request.status.errors);
      if (request.status.phase == model::RequestPhase::Processed) ++failed;
    }
    all.push_back(std::move(one));
  }
  JsonObject out = {{"deleteBackupRequests", std::move(all)}};
  if (failed > 0) out["failed"] = failed;
  return out;
}

// write_json escapes <, > and & for pages; what is read on a terminal shows them as they are. An
// escaped backslash before such a text is left alone.
std::string with_plain_angles(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\') {
      out += json[i];
      continue;
    }
    const std::string_view escape = json.substr(i, 6);
    if (escape == "\\u003c" || escape == "\\u003e" || escape == "\\u0026") {
      out += escape[5] == 'c' ? '<' : escape[5] == 'e' ? '>' : '&';
      i += escape.size() - 1;
    } else {
      out += json.substr(i, 2);
      ++i;
    }
  }
  return out;
}

}  // namespace

std::string describe_backup_json(const DescribedBackup& described, const DescribeStyle& style) {
  const DescriptionText text(style);
  const model::Backup& backup = described.backup;
  JsonObject out = {
      {"metadata", JsonObject{{"name", backup.metadata.name},
                              {"namespace", backup.metadata.ns},
                              {"labels", map_json(backup.metadata.labels)},
                              {"annotations", map_json(backup.metadata.annotations)}}},
      {"phase", backup.status.phase.text()},
      {"spec", spec_json(backup.spec)},
      {"status", status_json(described, text)}};
  if (backup.spec.resource_policy) {
    out["resourcePolicies"] = JsonObject{{"type", backup.spec.resource_policy->kind},
                                         {"name", backup.spec.resource_policy->name}};
  }
  if (!backup.status.validation_errors.empty())
    out["validationErrors"] = texts_json(backup.status.validation_errors);
  add_results(out, described);
  if (const auto coverage = coverage_document(described, style))
    out["coverage"] = assurance::to_json(*coverage);
  if (!described.deletions.empty())
    out["deletionAttempts"] = deletions_json(described.deletions, text);
  constexpr int kIndent = 4;
  return with_plain_angles(write_json_pretty(Json(std::move(out)), kIndent)) + "\n";
}

}  // namespace lateen::cli
