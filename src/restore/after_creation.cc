// What is done once an object of a restore is there: its status, its managed fields, its hooks, and
// what the new volume of a claim is to get.
#include <algorithm>

#include "base/text.h"
#include "kube/object.h"
#include "model/names.h"
#include "model/pod_hooks.h"
#include "restore/item_extension.h"
#include "restore/object_preparation.h"
#include "restore/run_state.h"

namespace lateen::restore {
namespace {

// The managed fields as one merge patch: server-side apply's owners come back.
Json managed_fields_patch(const Json& fields) {
  return JsonObject{{"metadata", JsonObject{{"managedFields", fields}}}};
}

bool wants_status(const model::Restore& restore,
                  const kube::Discovery& discovery,
                  std::string_view kind,
                  const Json& object) {
  const std::string_view own = kube::annotation_of(object, model::annotations::kRestoreStatus);
  if (own == "true") return true;
  if (own == "false" || !restore.spec.restore_status) return false;
  const auto has = [&](const model::StringList& list) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
      return glob_match(is_glob(name) ? name : discovery.resolve_name(name), kind);
    });
  };
  const model::StringList& included = restore.spec.restore_status->included_resources;
  return (included.empty() || has(included)) &&
         !has(restore.spec.restore_status->excluded_resources);
}

}  // namespace

void RunState::after_creation(const ItemAtHand& hand,
                              const kube::ObjectPath& path,
                              const CreatedItem& created,
                              std::stop_token stop) {
  restore_status(hand, path, stop);
  if (const Json* fields = applied_fields(hand.original)) {
    auto written =
        tools.client.patch(path, kube::PatchType::Merge, managed_fields_patch(*fields), {}, stop);
    if (!written && !written.error().is(Code::NotFound)) {
      notes.warning(path.ns,
                    fmt::format("could not restore the managed fields of {} {}: {}", hand.kind,
                                kube::object_key(path.ns, path.name), written.error().message()));
    }
  }
  if (hand.kind == "persistentvolumeclaims") note_volume(created.object, hand.original, path.ns);
  for (ItemExtension* extension : tools.extensions) {
    const Status begun = extension->created(hand.kind, path, created.object, hand.original, stop);
    if (begun || stop.stop_requested()) continue;
    notes.error(path.ns, fmt::format("{} {}: {}", hand.kind, kube::object_key(path.ns, path.name),
                                     begun.error().message()));
  }
  if (hand.kind != "pods") return;
  auto hooks =
      model::restore_exec_hooks_of(model::HookPod::from(created.object), restore.spec.hooks);
  if (hooks.empty()) return;
  notes.hooked_pod({.ns = path.ns, .name = path.name, .hooks = std::move(hooks)});
}

void RunState::restore_status(const ItemAtHand& hand,
                              const kube::ObjectPath& path,
                              std::stop_token stop) {
  const Json* status = find(hand.original, "status");
  if (status == nullptr || !wants_status(restore, discovery, hand.kind, hand.original)) return;
  const Json patch = JsonObject{{"status", *status}};
  auto written = tools.client.patch(path.sub("status"), kube::PatchType::Merge, patch, {}, stop);
  if (written) return;
  notes.warning(path.ns,
                fmt::format("could not restore the status of {} {}: {}", hand.kind,
                            kube::object_key(path.ns, path.name), written.error().message()));
}

void RunState::settle_volume(std::string_view name, bool created) {
  const Status settled = native_.settle(name, created);
  if (settled) return;
  notes.warning({}, fmt::format("persistentvolumes {}: {}", name, settled.error().describe()));
}

void RunState::note_volume(const Json& claim, const Json& original, const std::string& target_ns) {
  const std::string source_ns(kube::namespace_of(original));
  const auto known =
      context.volume_by_claim.find(kube::object_key(source_ns, kube::name_of(original)));
  if (known == context.volume_by_claim.end()) return;
  const model::BackupVolumeInfo& saved = known->second;
  const bool from_snapshot =
      how_it_returns(original, source_ns, context) == VolumeReturn::FromSnapshot;
  model::RestoreVolumeInfo info;
  info.pvc_name = kube::name_of(claim);
  info.pvc_namespace = target_ns;
  info.pv_name = saved.pv_name;
  if (from_snapshot) {
    info.restore_method = model::VolumeRestoreMethod::CSISnapshot;
    info.csi_snapshot_info = saved.csi_snapshot_info;
    notes.restored_volume(info);
  }
  const bool provisioned = saved.backup_method == model::VolumeBackupMethod::CSISnapshot ||
                           saved.backup_method == model::VolumeBackupMethod::PodVolumeBackup;
  if (saved.pv_info && provisioned) {
    notes.provisioned_claim({.ns = target_ns,
                             .name = info.pvc_name,
                             .reclaim_policy = saved.pv_info->reclaim_policy,
                             .labels = saved.pv_info->labels});
  }
}

}  // namespace lateen::restore
