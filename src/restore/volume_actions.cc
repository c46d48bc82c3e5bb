#include <array>

#include "base/encoding.h"
#include "base/hash.h"
#include "kube/object.h"
#include "model/names.h"
#include "restore/action.h"

namespace lateen::restore {
namespace {

namespace names = model::annotations;

constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

const model::BackupVolumeInfo* info_of_claim(std::string_view ns,
                                             std::string_view name,
                                             const ActionContext& context) {
  const auto at = context.volume_by_claim.find(kube::object_key(ns, name));
  return at == context.volume_by_claim.end() ? nullptr : &at->second;
}

const model::BackupVolumeInfo* info_of_volume(std::string_view name, const ActionContext& context) {
  const auto at = context.volume_by_pv.find(name);
  return at == context.volume_by_pv.end() ? nullptr : &at->second;
}

void forget_binding(Json& claim) {
  constexpr std::array<std::string_view, 7> kAnnotations = {
      "pv.kubernetes.io/bind-completed",
      "pv.kubernetes.io/bound-by-controller",
      "volume.beta.kubernetes.io/storage-provisioner",
      "volume.kubernetes.io/storage-provisioner",
      kSelectedNode,
      names::kVolumeSnapshotName,
      names::kDataUploadName};
  for (const std::string_view key : kAnnotations)
    kube::remove_annotation(claim, key);
}

// Which of a volume's data come back, told of the volume; empty when all is well or nothing was to
// be expected.
std::string missing_data(const model::BackupVolumeInfo& info) {
  using model::VolumeBackupMethod;
  if (info.backup_method == VolumeBackupMethod::PodVolumeBackup) {
    return "its file-system backup failed, or its files are not to be restored: the volume comes "
           "back empty";
  }
  if (info.backup_method == VolumeBackupMethod::NativeSnapshot) {
    return "its snapshot failed when it was backed up: the volume comes back empty";
  }
  if (info.snapshot_data_moved) {
    return "moving its data to the repository failed when it was backed up: the volume comes back "
           "empty";
  }
  return {};
}

}  // namespace

std::string restored_snapshot_name(const model::Restore& restore, std::string_view old_name) {
  return sha256_hex(fmt::format("{}/{}", restore.metadata.uid, old_name));
}

VolumeReturn how_it_returns(const Json& claim, std::string_view ns, const ActionContext& context) {
  using model::VolumeBackupMethod;
  const bool is_moved = kube::has_annotation(claim, names::kDataUploadName);
  const bool has_snapshot = kube::has_annotation(claim, names::kVolumeSnapshotName) && !is_moved;
  const model::BackupVolumeInfo* info = info_of_claim(ns, kube::name_of(claim), context);
  if (has_snapshot && (info == nullptr || !info->snapshot_data_moved)) {
    return context.restores_volumes() ? VolumeReturn::FromSnapshot : VolumeReturn::Empty;
  }
  if (is_moved) return VolumeReturn::Empty;
  if (info == nullptr) return VolumeReturn::AsItWas;
  if (info->backup_method == VolumeBackupMethod::CSISnapshot ||
      info->backup_method == VolumeBackupMethod::PodVolumeBackup) {
    return VolumeReturn::Empty;
  }
  if (info->backup_method == VolumeBackupMethod::NativeSnapshot) {
    // The backup holds no volume to bind to where its snapshot failed.
    return info->result == model::VolumeResult::Failed ? VolumeReturn::Empty
                                                       : VolumeReturn::AsItWas;
  }
  // Nothing was saved of it. The old volume can be bound again only if the cluster did not delete
  // it with its claim.
  if (info->pv_info && info->pv_info->reclaim_policy == "Delete") return VolumeReturn::Empty;
  return VolumeReturn::AsItWas;
}

ActionVerdict act_on_volume(Json& volume, const ActionContext& context) {
  using model::VolumeBackupMethod;
  ActionVerdict verdict;
  const std::string ns(string_at(volume, "spec.claimRef.namespace"));
  const model::BackupVolumeInfo* info = info_of_volume(kube::name_of(volume), context);
  if (info == nullptr && !ns.empty()) {
    info = info_of_claim(ns, string_at(volume, "spec.claimRef.name"), context);
  }
  if (info != nullptr) {
    const bool saved = info->backup_method == VolumeBackupMethod::CSISnapshot ||
                       info->backup_method == VolumeBackupMethod::PodVolumeBackup;
    const bool deleted_with_claim = info->pv_info && info->pv_info->reclaim_policy == "Delete" &&
                                    info->backup_method == VolumeBackupMethod::Unset;
    if (saved || deleted_with_claim) {
      verdict.skip_reason = "its claim gets a new volume";
      return verdict;
    }
  }
  if (ns.empty()) return verdict;
  Json& reference = ensure(volume, "spec.claimRef");
  reference.as_object()["namespace"] = context.target_of(ns);
  erase(reference, "uid");
  erase(reference, "resourceVersion");
  kube::remove_annotation(volume, "pv.kubernetes.io/bound-by-controller");
  return verdict;
}

ActionVerdict act_on_claim(Json& claim, const ActionContext& context) {
  ActionVerdict verdict;
  const std::string ns(kube::namespace_of(claim));
  const VolumeReturn back = how_it_returns(claim, ns, context);
  const std::string snapshot(kube::annotation_of(claim, names::kVolumeSnapshotName));
  const model::BackupVolumeInfo* info = info_of_claim(ns, kube::name_of(claim), context);
  const auto node = context.nodes.find(kube::annotation_of(claim, kSelectedNode));
  forget_binding(claim);
  if (node != context.nodes.end()) kube::set_annotation(claim, kSelectedNode, node->second);
  kube::remove_label(claim, model::labels::kVolumeSnapshotName);
  switch (back) {
    case VolumeReturn::AsItWas:
      return verdict;
    case VolumeReturn::FromSnapshot:
      erase(claim, "spec.volumeName");
      erase(claim, "spec.dataSourceRef");
      ensure(claim, "spec.dataSource") =
          JsonObject{{"apiGroup", "snapshot.storage.k8s.io"},
                     {"kind", "VolumeSnapshot"},
                     {"name", restored_snapshot_name(context.restore, snapshot)}};
      return verdict;
    case VolumeReturn::Empty:
      break;
  }
  erase(claim, "spec.volumeName");
  erase(claim, "spec.dataSource");
  erase(claim, "spec.dataSourceRef");
  if (info == nullptr || !context.restores_volumes() || context.brings_back(*info)) return verdict;
  if (std::string missing = missing_data(*info); !missing.empty()) {
    verdict.errors.push_back(std::move(missing));
  } else if (info->skipped) {
    verdict.warnings.push_back(
        fmt::format("the backup does not hold its data ({}): the volume comes back empty",
                    info->skipped_reason));
  }
  return verdict;
}

ActionVerdict act_on_snapshot(Json& snapshot, const ActionContext& context) {
  ActionVerdict verdict;
  if (!context.restores_volumes()) {
    verdict.skip_reason = "volumes are not restored";
    return verdict;
  }
  const std::string name = restored_snapshot_name(context.restore, kube::name_of(snapshot));
  ensure(snapshot, "metadata.name") = name;
  ensure(snapshot, "spec") =
      JsonObject{{"source", JsonObject{{"volumeSnapshotContentName", name}}}};
  // The snapshot in the storage is the backup's: deleting this object must not take it away.
  kube::set_annotation(snapshot, names::kVscDeletionPolicy, "Retain");
  return verdict;
}

ActionVerdict act_on_snapshot_content(Json& content,
                                      const Json& status,
                                      const ActionContext& context) {
  ActionVerdict verdict;
  const std::string old_ns(string_at(content, "spec.volumeSnapshotRef.namespace"));
  const std::string old_name(string_at(content, "spec.volumeSnapshotRef.name"));
  const std::string handle(string_at(status, "snapshotHandle"));
  if (!context.restores_volumes()) {
    verdict.skip_reason = "volumes are not restored";
    return verdict;
  }
  if (handle.empty()) {
    verdict.errors.emplace_back(
        "the backup does not say where its snapshot lies (status.snapshotHandle)");
    verdict.skip_reason = "it has no snapshot";
    return verdict;
  }
  const std::string name = restored_snapshot_name(context.restore, old_name);
  const std::string driver(string_at(content, "spec.driver"));
  ensure(content, "metadata.name") = name;
  Json& spec = ensure(content, "spec");
  JsonObject fresh{{"deletionPolicy", "Retain"},
                   {"driver", driver},
                   {"source", JsonObject{{"snapshotHandle", handle}}},
                   {"volumeSnapshotRef", JsonObject{{"kind", "VolumeSnapshot"},
                                                    {"apiVersion", "snapshot.storage.k8s.io/v1"},
                                                    {"namespace", context.target_of(old_ns)},
                                                    {"name", name}}}};
  const auto snapshot_class = context.snapshot_class_of_driver.find(driver);
  if (snapshot_class != context.snapshot_class_of_driver.end()) {
    fresh["volumeSnapshotClassName"] = snapshot_class->second;
  }
  if (const std::string_view mode = string_at(spec, "sourceVolumeMode"); !mode.empty()) {
    fresh["sourceVolumeMode"] = mode;
  }
  spec = std::move(fresh);
  return verdict;
}

Result<bool> change_storage_class(std::string_view group_resource,
                                  Json& object,
                                  const ActionContext& context) {
  if (context.storage_classes.empty()) return false;
  const auto change = [&context](Json& holder) -> Result<bool> {
    const std::string old(string_at(holder, "spec.storageClassName"));
    const auto to = context.storage_classes.find(old);
    if (old.empty() || to == context.storage_classes.end()) return false;
    if (context.missing_storage_classes.count(to->second) > 0) {
      return Error(Code::NotFound,
                   "velero.io/change-storage-class says {} for its class {}, and there is no such "
                   "StorageClass",
                   to->second, old);
    }
    ensure(holder, "spec.storageClassName") = to->second;
    return true;
  };
  if (group_resource == "persistentvolumes" || group_resource == "persistentvolumeclaims")
    return change(object);
  if (group_resource != "statefulsets.apps" ||
      array_at(object, "spec.volumeClaimTemplates") == nullptr) {
    return false;
  }
  bool changed = false;
  for (Json& claim : ensure(object, "spec.volumeClaimTemplates").as_array()) {
    if (TRY(change(claim))) changed = true;
  }
  return changed;
}

}  // namespace lateen::restore
