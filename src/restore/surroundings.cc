#include "restore/surroundings.h"

#include "base/text.h"
#include "kube/object.h"
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
  const Json images = TRY(plugin_config(tools, "velero.io/change-image-name", stop));
  if (images.is_object()) {
    for (const auto& [name, rule] : images.as_object()) {
      const Cut parts = cut(as_text(&rule), ",");
      if (parts.found) context.image_parts.emplace_back(trim(parts.before), trim(parts.after));
    }
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

}  // namespace

Status read_surroundings(ActionContext& context,
                         const RestoreTools& tools,
                         const RestoreRunOptions& options,
                         std::stop_token stop) {
  context.has_volume_infos = !options.volumes.empty();
  for (const model::BackupVolumeInfo& info : options.volumes) {
    if (!info.pv_name.empty()) context.volume_by_pv.emplace(info.pv_name, info);
    if (!info.pvc_name.empty()) {
      context.volume_by_claim.emplace(kube::object_key(info.pvc_namespace, info.pvc_name), info);
    }
  }
  TRY(read_configs(context, tools, stop));
  return read_snapshot_classes(context, tools, stop);
}

}  // namespace lateen::restore
