#include "server/backup_surroundings.h"

#include "kube/object.h"
#include "model/names.h"
#include "server/policy.h"

namespace lateen::server {

Result<BackupSurroundings> read_surroundings(const model::Backup& backup,
                                             const Cluster& cluster,
                                             std::stop_token stop) {
  BackupSurroundings around;
  around.storage_locations = TRY(cluster.list<model::BackupStorageLocation>({}, stop));
  around.snapshot_locations = TRY(cluster.list<model::VolumeSnapshotLocation>({}, stop));
  const Json namespaces = TRY(cluster.client().list(
      {.gvr = {"", "v1", "namespaces"}},
      {.label_selector = fmt::format("{}=true", model::labels::kExcludeFromBackup)}, stop));
  if (const JsonArray* items = array_at(namespaces, "items")) {
    for (const Json& ns : *items)
      around.excluded_by_label.emplace_back(kube::name_of(ns));
  }
  const auto policy = read_policy(backup, cluster, stop);
  if (!policy) {
    if (policy.error().retryable()) return policy.error();
    around.policy_error = policy.error().message();
  } else if (*policy) {
    around.policy_has_filters = (*policy)->include_exclude().has_value();
  }
  const Json version = TRY(cluster.client().server_version({}, stop));
  around.git_version = string_at(version, "gitVersion");
  around.major = string_at(version, "major");
  around.minor = string_at(version, "minor");
  return around;
}

}  // namespace lateen::server
