#include "sandbox/cluster_caches.h"

namespace lateen::sandbox {

ClusterCaches::ClusterCaches(Api& api, const Log& log)
    : pods(api, resources::kPods, log),
      nodes(api, resources::kNodes, log),
      namespaces(api, resources::kNamespaces, log),
      services(api, resources::kServices, log),
      endpoints(api, resources::kEndpoints, log),
      endpoint_slices(api, resources::kEndpointSlices, log),
      service_accounts(api, resources::kServiceAccounts, log),
      volumes(api, resources::kPersistentVolumes, log),
      claims(api, resources::kPersistentVolumeClaims, log),
      storage_classes(api, resources::kStorageClasses, log),
      deployments(api, resources::kDeployments, log),
      replica_sets(api, resources::kReplicaSets, log),
      stateful_sets(api, resources::kStatefulSets, log),
      daemon_sets(api, resources::kDaemonSets, log),
      revisions(api, resources::kControllerRevisions, log),
      jobs(api, resources::kJobs, log),
      cron_jobs(api, resources::kCronJobs, log),
      budgets(api, resources::kPodDisruptionBudgets, log),
      quotas(api, resources::kResourceQuotas, log),
      snapshots(api, resources::kVolumeSnapshots, log),
      snapshot_contents(api, resources::kVolumeSnapshotContents, log),
      snapshot_classes(api, resources::kVolumeSnapshotClasses, log) {}

std::array<ObjectCache*, 22> ClusterCaches::all() {
  return {&pods,
          &nodes,
          &namespaces,
          &services,
          &endpoints,
          &endpoint_slices,
          &service_accounts,
          &volumes,
          &claims,
          &storage_classes,
          &deployments,
          &replica_sets,
          &stateful_sets,
          &daemon_sets,
          &revisions,
          &jobs,
          &cron_jobs,
          &budgets,
          &quotas,
          &snapshots,
          &snapshot_contents,
          &snapshot_classes};
}

void ClusterCaches::start() {
  for (ObjectCache* cache : all())
    cache->start();
}

void ClusterCaches::stop() {
  for (ObjectCache* cache : all())
    cache->request_stop();
  for (ObjectCache* cache : all())
    cache->stop();
}

bool ClusterCaches::wait_synced(Deadline deadline, std::stop_token stop) {
  for (const ObjectCache* cache : all()) {
    if (!cache->wait_synced(deadline, stop)) return false;
  }
  return true;
}

}  // namespace lateen::sandbox
