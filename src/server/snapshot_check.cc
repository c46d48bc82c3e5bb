#include "server/snapshot_check.h"

#include <map>

#include "model/native_snapshot.h"
#include "model/volume_info.h"
#include "repository/repository.h"
#include "server/volume_repositories.h"
#include "server/volume_snapshots.h"
#include "volumes/volume_snapshotter.h"

namespace lateen::server {
namespace {

using assurance::BackupVerdict;

// How long a driver may take to say that a snapshot is there.
constexpr Duration kSnapshotAnswer = std::chrono::seconds(30);
constexpr Duration kSnapshotPoll = std::chrono::milliseconds(200);
const kube::GroupVersionResource kSnapshotContents = {"snapshot.storage.k8s.io", "v1",
                                                      "volumesnapshotcontents"};

// A VolumeSnapshotContent made for a question; gone when this is.
class ProbeContent {
 public:
  ProbeContent(const ServerContext& context, std::string name)
      : context_(context), name_(std::move(name)) {}

  ProbeContent(const ProbeContent&) = delete;
  ProbeContent& operator=(const ProbeContent&) = delete;

  ~ProbeContent() {
    const auto removed = context_.client().remove(path(name_), {}, {});
    if (!removed && !removed.error().is(Code::NotFound)) {
      context_.log.warning("A VolumeSnapshotContent that was made to ask for a snapshot stays",
                           {{"volumeSnapshotContent", name_}, {"error", removed.error()}});
    }
  }

  Status create(const model::CsiSnapshotInfo& info, std::stop_token stop) const {
    const Json content = JsonObject{
        {"apiVersion", "snapshot.storage.k8s.io/v1"},
        {"kind", "VolumeSnapshotContent"},
        {"metadata",
         JsonObject{{"name", name_}, {"labels", JsonObject{{"lateen.io/verify", "true"}}}}},
        {"spec", JsonObject{{"deletionPolicy", "Retain"},
                            {"driver", info.driver},
                            {"source", JsonObject{{"snapshotHandle", info.snapshot_handle}}},
                            {"volumeSnapshotRef",
                             JsonObject{{"name", name_}, {"namespace", context_.cluster.ns()}}}}}};
    TRY(context_.client().create(path({}), content, {}, stop));
    return {};
  }

  Result<Json> read(std::stop_token stop) const {
    return context_.client().get(path(name_), {}, stop);
  }

 private:
  static kube::ObjectPath path(const std::string& name) {
    return {.gvr = kSnapshotContents, .name = name};
  }

  const ServerContext& context_;
  const std::string name_;
};

std::string volume_of(const model::BackupVolumeInfo& info) {
  return info.pvc_name.empty() ? info.pv_name
                               : fmt::format("{}/{}", info.pvc_namespace, info.pvc_name);
}

// A driver that takes its time is no missing snapshot.
Status check_csi(const model::BackupVolumeInfo& volume,
                 const ServerContext& context,
                 BackupVerdict& verdict,
                 std::stop_token stop) {
  const model::CsiSnapshotInfo& info = *volume.csi_snapshot_info;
  const ProbeContent probe(context, "lateen-verify-" + random_suffix(context.rng, 10));
  const Status made = probe.create(info, stop);
  if (!made && made.error().is(Code::NotFound)) {
    verdict.note("snapshot-unchecked", volume_of(volume),
                 "this cluster serves no VolumeSnapshotContents, so that its snapshot cannot be "
                 "asked for here");
    return {};
  }
  TRY(Status(made));
  const Deadline deadline = Deadline::after(kSnapshotAnswer);
  while (true) {
    const Json content = TRY(probe.read(stop));
    if (bool_at(content, "status.readyToUse") == true) {
      ++verdict.snapshots;
      return {};
    }
    const std::string_view error = string_at(content, "status.error.message");
    if (!error.empty()) {
      verdict.problem("snapshot-missing", volume_of(volume),
                      fmt::format("the driver {} does not find snapshot {}: {}", info.driver,
                                  info.snapshot_handle, error));
      return {};
    }
    if (deadline.expired()) {
      verdict.note("snapshot-unchecked", volume_of(volume),
                   fmt::format("the driver {} did not say in time whether snapshot {} is there",
                               info.driver, info.snapshot_handle));
      return {};
    }
    if (!sleep_unless_stopped(kSnapshotPoll, stop))
      return Error(Code::Canceled, "told to stop while asking for snapshots");
  }
}

Status check_all_csi(const model::Backup& backup,
                     objects::BackupStore& store,
                     const ServerContext& context,
                     BackupVerdict& verdict,
                     std::stop_token stop) {
  const auto infos = store.get_volume_infos(backup.metadata.name, stop);
  if (!infos) return {};  // said by verify_files; before 1.14 there was none
  for (const model::BackupVolumeInfo& info : *infos) {
    if (!info.csi_snapshot_info || info.snapshot_data_moved || info.skipped) continue;
    if (info.result == model::VolumeResult::Failed) continue;  // the backup itself says so
    if (info.csi_snapshot_info->snapshot_handle.empty()) {
      verdict.problem("snapshot-missing", volume_of(info), "no snapshot of it was noted");
      continue;
    }
    TRY(check_csi(info, context, verdict, stop));
  }
  return {};
}

Status check_native(const model::Backup& backup,
                    objects::BackupStore& store,
                    const ServerContext& context,
                    BackupVerdict& verdict,
                    std::stop_token stop) {
  const auto snapshots = store.get_volume_snapshots(backup.metadata.name, stop);
  if (!snapshots) return {};
  volumes::SnapshotLocations locations = snapshot_locations(context, context.log);
  for (const model::NativeSnapshot& one : *snapshots) {
    const std::string& id = one.status.provider_snapshot_id;
    const std::string& volume = one.spec.persistent_volume_name;
    if (id.empty()) continue;  // it failed then, and the backup says so
    auto snapshotter = locations.of(one.spec.location, stop);
    const auto there = snapshotter ? (*snapshotter)->has_snapshot(id, stop)
                                   : Result<std::optional<bool>>(snapshotter.error());
    if (!there) {
      verdict.note("snapshot-unchecked", volume, there.error().message());
    } else if (!there->has_value()) {
      verdict.note("snapshot-unchecked", volume,
                   fmt::format("its plugin cannot be asked whether snapshot {} is there", id));
    } else if (!**there) {
      verdict.problem("snapshot-missing", volume,
                      fmt::format("the storage has no snapshot {}", id));
    } else {
      ++verdict.snapshots;
    }
  }
  return {};
}

// All packs of one repository, each byte.
void read_repository(volumes::VolumeRepository& repository,
                     const std::string& name,
                     BackupVerdict& verdict,
                     std::stop_token stop) {
  repository::Progress progress;
  repository::CheckRequest request;
  request.verify.read_data = true;
  request.no_lock = true;
  const auto checked = repository.repository().check(request, progress, stop);
  if (!checked) {
    verdict.problem("data-damaged", name, checked.error().message());
    return;
  }
  for (const repository::Problem& one : progress.problems.take())
    verdict.problem("data-damaged", name, fmt::format("{}: {}", one.path, one.error.message()));
}

Status check_repositories(const model::Backup& backup,
                          objects::BackupStore& store,
                          const ServerContext& context,
                          const SnapshotCheckOptions& options,
                          BackupVerdict& verdict,
                          std::stop_token stop) {
  std::map<std::string, std::vector<VolumeSnapshot>> by_repository;
  const auto listed = volume_snapshots_of(backup, store, context, stop);
  if (!listed) return {};  // its documents cannot be read: said by verify_files
  for (const VolumeSnapshot& one : *listed)
    by_repository[fmt::format("{}/{}", one.type, one.volume_namespace)].push_back(one);
  for (const auto& [name, snapshots] : by_repository) {
    const auto repository =
        open_volume_repository(context,
                               {.location = backup.spec.storage_location,
                                .volume_namespace = snapshots.front().volume_namespace,
                                .type = snapshots.front().type},
                               stop);
    if (!repository) {
      verdict.problem(
          "snapshot-missing", name,
          fmt::format("its repository cannot be opened: {}", repository.error().message()));
      continue;
    }
    for (const VolumeSnapshot& one : snapshots) {
      const auto found = (*repository)->find(one.snapshot_id, stop);
      const std::string volume =
          fmt::format("{}/{}", one.volume_namespace, one.claim.empty() ? one.volume : one.claim);
      if (found) {
        ++verdict.snapshots;
      } else {
        verdict.problem("snapshot-missing", volume, found.error().message());
      }
    }
    if (options.read_data) read_repository(**repository, name, verdict, stop);
  }
  verdict.data_read = options.read_data;
  return {};
}

}  // namespace

Status check_snapshots(const model::Backup& backup,
                       objects::BackupStore& store,
                       const ServerContext& context,
                       const SnapshotCheckOptions& options,
                       assurance::BackupVerdict& verdict,
                       std::stop_token stop) {
  TRY(check_all_csi(backup, store, context, verdict, stop).wrap("asking for CSI snapshots"));
  TRY(check_native(backup, store, context, verdict, stop));
  return check_repositories(backup, store, context, options, verdict, stop);
}

}  // namespace lateen::server
