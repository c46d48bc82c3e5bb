#include "restore/surroundings.h"

#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/csi_snapshot.h"

namespace lateen::restore {
namespace {

// The data of the ConfigMap that configures a built-in action, found by Velero's two labels; null
// when there is none.
Result<Json> plugin_config(const RestoreTools& tools,
                           std::string_view action,
                           std::stop_token stop) {
  const Json list = TRY(tools.client.list(
      {.gvr = {"", "v1", "configmaps"}, .ns = tools.velero_namespace},
      {.label_selector = fmt::format("velero.io/plugin-config,{}=RestoreItemAction", action)},
      stop));
  const JsonArray* items = array_at(list, "items");
  if (items == nullptr || items->empty()) return Json();
  if (items->size() > 1) {
    return Error(Code::InvalidArgument, "found more than one ConfigMap for {}", action)
        .with_hint(fmt::format("Keep one of them in namespace {}.", tools.velero_namespace));
  }
  const Json* data = find(items->front(), "data");
  return data == nullptr ? Json() : *data;
}

Status read_configs(ActionContext& context, const RestoreTools& tools, std::stop_token stop) {
  const Json classes = TRY(plugin_config(tools, "velero.io/change-storage-class", stop));
  if (classes.is_object()) {
    for (const auto& [from, to] : classes.as_object())
      context.storage_classes[std::string(from)] = as_text(&to);
  }
  const Json nodes = TRY(plugin_config(tools, "velero.io/change-pvc-node-selector", stop));
  if (nodes.is_object()) {
    for (const auto& [from, to] : nodes.as_object())
      context.nodes[std::string(from)] = as_text(&to);
  }
  const Json images = TRY(plugin_config(tools, "velero.io/change-image-name", stop));
  if (images.is_object()) {
    for (const auto& [name, rule] : images.as_object()) {
      const Cut parts = cut(as_text(&rule), ",");
      if (parts.found) context.image_parts.emplace_back(trim(parts.before), trim(parts.after));
    }
  }
  return {};
}

// Of the classes that claims are to get, those that neither the cluster nor the backup has.
Status find_missing_classes(ActionContext& context,
                            const archive::ArchiveReader& archive,
                            const RestoreTools& tools,
                            std::stop_token stop) {
  constexpr std::string_view kKind = "storageclasses.storage.k8s.io";
  for (const auto& [from, to] : context.storage_classes) {
    if (archive.find(kKind, "", to) != nullptr) continue;
    const auto there =
        tools.client.get({.gvr = {"storage.k8s.io", "v1", "storageclasses"}, .name = to}, {}, stop);
    if (there) continue;
    if (!there.error().is(Code::NotFound)) return there.error();
    context.missing_storage_classes.insert(to);
  }
  return {};
}

Status read_snapshot_classes(ActionContext& context,
                             const RestoreTools& tools,
                             std::stop_token stop) {
  if (context.discovery.find(volumes::kVolumeSnapshotClasses.group_resource()) == nullptr)
    return {};
  const Json list = TRY(tools.client.list({.gvr = volumes::kVolumeSnapshotClasses}, {}, stop));
  const JsonArray* items = array_at(list, "items");
  if (items == nullptr) return {};
  for (const Json& cls : *items) {
    context.snapshot_class_of_driver.emplace(string_at(cls, "driver"), kube::name_of(cls));
  }
  return {};
}

void note_volume(ActionContext& context, const model::BackupVolumeInfo& info) {
  if (!info.pv_name.empty()) context.volume_by_pv.emplace(info.pv_name, info);
  if (!info.pvc_name.empty()) {
    context.volume_by_claim.emplace(kube::object_key(info.pvc_namespace, info.pvc_name), info);
  }
}

// What a backup's infos do not tell, its objects do: backups of Velero before 1.14 have no infos,
// and a volume whose claim was not backed up has none either.
void note_untold_volumes(ActionContext& context, const archive::ArchiveReader& archive) {
  std::map<std::string, std::string> snapshot_of_claim;
  std::vector<Json> untold;
  for (const archive::ArchivedItem& item : archive.items()) {
    const bool is_claim = item.key.group_resource == "persistentvolumeclaims";
    const std::string key = kube::object_key(item.key.ns, item.key.name);
    const bool is_untold = is_claim ? context.volume_by_claim.count(key) == 0
                                    : item.key.group_resource == "persistentvolumes" &&
                                          context.volume_by_pv.count(key) == 0;
    if (!item.key.preferred || !is_untold) continue;
    const auto body = archive.read(item);
    auto object = body ? parse_json(*body) : Result<Json>(body.error());
    if (!object) continue;  // broken: said when it is to be restored
    if (!is_claim) {
      untold.push_back(std::move(*object));
    } else if (const auto name =
                   kube::annotation_of(*object, model::annotations::kVolumeSnapshotName);
               !name.empty()) {
      snapshot_of_claim[key] = name;
    }
  }
  for (const Json& volume : untold) {
    model::BackupVolumeInfo info;
    info.pv_name = kube::name_of(volume);
    info.pvc_namespace = string_at(volume, "spec.claimRef.namespace");
    info.pvc_name = string_at(volume, "spec.claimRef.name");
    const std::string claim = kube::object_key(info.pvc_namespace, info.pvc_name);
    if (context.volume_by_claim.count(claim) > 0) continue;  // told of by its claim
    model::PvInfo pv;
    pv.reclaim_policy = string_at(volume, "spec.persistentVolumeReclaimPolicy");
    for (const auto& [label, value] : kube::to_labels(kube::labels_of(volume)))
      pv.labels[label] = value;
    info.pv_info = std::move(pv);
    if (snapshot_of_claim.count(claim) > 0) {
      info.backup_method = model::VolumeBackupMethod::CSISnapshot;
    }
    note_volume(context, info);
  }
}

}  // namespace

Status read_surroundings(ActionContext& context,
                         const archive::ArchiveReader& archive,
                         const RestoreTools& tools,
                         const RestoreRunOptions& options,
                         std::stop_token stop) {
  for (const model::BackupVolumeInfo& info : options.volumes)
    note_volume(context, info);
  note_untold_volumes(context, archive);
  TRY(read_configs(context, tools, stop));
  TRY(find_missing_classes(context, archive, tools, stop));
  return read_snapshot_classes(context, tools, stop);
}

}  // namespace lateen::restore
