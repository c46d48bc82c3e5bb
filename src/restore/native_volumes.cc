#include "restore/native_volumes.h"

#include <algorithm>

#include <fmt/format.h>

#include "kube/object.h"
#include "model/names.h"
#include "volumes/snapshot_locations.h"

namespace lateen::restore {
namespace {

const kube::GroupVersionResource kVolumes{"", "v1", "persistentvolumes"};
const kube::GroupVersionResource kClaims{"", "v1", "persistentvolumeclaims"};
const kube::GroupVersionResource kNamespaces{"", "v1", "namespaces"};

// Null when there is none.
Result<Json> find_object(kube::Client& client, const kube::ObjectPath& path, std::stop_token stop) {
  auto found = client.get(path, {}, stop);
  if (!found && found.error().is(Code::NotFound)) return Json();
  return found;
}

bool is_going(const Json& object) {
  return object.is_null() || kube::is_being_deleted(object) ||
         string_at(object, "status.phase") == "Terminating";
}

enum class Holder { None, Going, Healthy };

// Whether a volume of that name is there, and is there to stay: one whose claim or namespace is
// being deleted is about to go, too.
Result<Holder> holder_of(kube::Client& client, const std::string& name, std::stop_token stop) {
  const Json volume = TRY(find_object(client, {.gvr = kVolumes, .name = name}, stop));
  if (volume.is_null()) return Holder::None;
  if (kube::is_being_deleted(volume) || string_at(volume, "status.phase") == "Released") {
    return Holder::Going;
  }
  const std::string ns(string_at(volume, "spec.claimRef.namespace"));
  const std::string claim(string_at(volume, "spec.claimRef.name"));
  if (claim.empty()) return Holder::Healthy;
  if (is_going(TRY(find_object(client, {.gvr = kClaims, .ns = ns, .name = claim}, stop)))) {
    return Holder::Going;
  }
  if (is_going(TRY(find_object(client, {.gvr = kNamespaces, .name = ns}, stop)))) {
    return Holder::Going;
  }
  return Holder::Healthy;
}

}  // namespace

const model::NativeSnapshot* NativeVolumes::snapshot_of(std::string_view volume) const {
  const auto& all = options_.native_snapshots;
  const auto found = std::find_if(all.begin(), all.end(), [volume](const auto& one) {
    return one.spec.persistent_volume_name == volume;
  });
  return found == all.end() ? nullptr : &*found;
}

// Its claim goes to another namespace, and the old volume is still there.
Result<bool> NativeVolumes::must_rename(const Json& volume, std::stop_token stop) const {
  const std::string ns(string_at(volume, "spec.claimRef.namespace"));
  if (ns.empty() || context_.target_of(ns) == ns) return false;
  const kube::ObjectPath path{.gvr = kVolumes, .name = std::string(kube::name_of(volume))};
  return !TRY(find_object(tools_.client, path, stop)).is_null();
}

Result<bool> NativeVolumes::is_free(const std::string& name, std::stop_token stop) const {
  const Deadline deadline = Deadline::after(options_.terminating_resource_timeout);
  std::chrono::milliseconds pause{100};
  while (true) {
    const Holder holder = TRY(holder_of(tools_.client, name, stop));
    if (holder != Holder::Going) return holder == Holder::None;
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded,
                   "a volume of this name is in the cluster, released or being deleted, and does "
                   "not go")
          .with_hint(fmt::format("kubectl describe persistentvolume {}", name));
    }
    if (!sleep_unless_stopped(pause, stop)) return Error(Code::Canceled, "the restore was stopped");
    pause = std::min(pause * 2, std::chrono::milliseconds(1000));
  }
}

Status NativeVolumes::bring_back(Json& volume, std::stop_token stop) {
  const std::string name(kube::name_of(volume));
  const auto info = context_.volume_by_pv.find(name);
  const bool is_native = info != context_.volume_by_pv.end() &&
                         info->second.backup_method == model::VolumeBackupMethod::NativeSnapshot;
  if (!is_native || !context_.restores_volumes()) return {};
  const model::NativeSnapshot* snapshot = snapshot_of(name);
  if (snapshot == nullptr || snapshot->status.provider_snapshot_id.empty()) {
    return Error(Code::NotFound, "the backup has no snapshot of it, though it should have one");
  }
  const bool rename = TRY(must_rename(volume, stop));
  if (!rename && !TRY(is_free(name, stop))) return {};
  TRY(make(volume, *snapshot, stop));
  // A snapshotter may have given it a name of its own.
  if (rename && kube::name_of(volume) == name) {
    ensure(volume, "metadata.name") = fmt::format("velero-clone-{}", uuid4(rng_));
  }
  const std::string now(kube::name_of(volume));
  if (now != name) kube::set_annotation(volume, model::annotations::kOriginalPvName, name);
  const Lock lock(mu_);
  if (now != name) renamed_[name] = now;
  auto made = made_.extract(name);
  made.key() = now;
  made.mapped().info.pv_name = now;
  made_.insert(std::move(made));
  return {};
}

Status NativeVolumes::make(Json& volume,
                           const model::NativeSnapshot& snapshot,
                           std::stop_token stop) {
  if (options_.snapshot_locations == nullptr) {
    return Error(Code::Unsupported, "there are no volume snapshot locations to restore it from");
  }
  const std::string& location = snapshot.spec.location;
  volumes::VolumeSnapshotter* snapshotter = TRY(options_.snapshot_locations->of(location, stop));
  const std::string id = TRY(snapshotter->create_volume_from_snapshot(
      {.snapshot_id = snapshot.status.provider_snapshot_id,
       .az = snapshot.spec.volume_az,
       .info = {.type = snapshot.spec.volume_type,
                .iops = snapshot.spec.volume_iops,
                .throughput = snapshot.spec.volume_throughput},
       .tags = {{"velero.io/backup", context_.restore.spec.backup_name},
                {"velero.io/restore", context_.restore.metadata.name}}},
      stop));
  const std::string ns(string_at(volume, "spec.claimRef.namespace"));
  Made made{.location = location, .volume_id = id};
  made.info.pvc_name = string_at(volume, "spec.claimRef.name");
  made.info.pvc_namespace = ns.empty() ? ns : context_.target_of(ns);
  made.info.restore_method = model::VolumeRestoreMethod::NativeSnapshot;
  model::NativeSnapshotInfo native;
  native.snapshot_handle = snapshot.status.provider_snapshot_id;
  native.volume_type = snapshot.spec.volume_type;
  native.volume_az = snapshot.spec.volume_az;
  native.iops = std::to_string(snapshot.spec.volume_iops.value_or(0));
  native.phase = "Completed";
  made.info.native_snapshot_info = std::move(native);
  auto renewed = snapshotter->set_volume_id(volume, id);
  if (!renewed) {
    Error error = std::move(renewed).error();
    const Status deleted = snapshotter->delete_volume(id, {});
    if (deleted) return error;
    return std::move(error).with_hint(fmt::format("The new volume {} stays in the storage.", id));
  }
  tools_.log.info("Made a volume from a snapshot",
                  {{"persistentVolume", kube::name_of(volume)},
                   {"snapshotID", snapshot.status.provider_snapshot_id},
                   {"volumeID", id}});
  const std::string name(kube::name_of(volume));
  volume = std::move(*renewed);
  const Lock lock(mu_);
  made_.insert_or_assign(name, std::move(made));
  return {};
}

void NativeVolumes::follow_rename(Json& claim) const {
  const std::string_view volume = string_at(claim, "spec.volumeName");
  const Lock lock(mu_);
  const auto renamed = renamed_.find(volume);
  if (renamed != renamed_.end()) ensure(claim, "spec.volumeName") = renamed->second;
}

Status NativeVolumes::settle(std::string_view volume_name, bool created) {
  std::string location;
  std::string volume_id;
  {
    const Lock lock(mu_);
    const auto made = made_.find(volume_name);
    if (made == made_.end()) return {};
    if (created) {
      made->second.created = true;
      return {};
    }
    location = made->second.location;
    volume_id = made->second.volume_id;
    made_.erase(made);
  }
  // Also when told to stop: nobody would find it again.
  volumes::VolumeSnapshotter* snapshotter = TRY(options_.snapshot_locations->of(location, {}));
  return snapshotter->delete_volume(volume_id, {})
      .wrap("removing volume {}, which was made for it and is not used", volume_id);
}

std::vector<model::RestoreVolumeInfo> NativeVolumes::infos() const {
  std::vector<model::RestoreVolumeInfo> infos;
  const Lock lock(mu_);
  for (const auto& [name, made] : made_) {
    if (made.created) infos.push_back(made.info);
  }
  return infos;
}

}  // namespace lateen::restore
