// The resources that the node and the controllers work on, by the names that the Api knows them by.
#pragma once

#include "kube/resource.h"

namespace lateen::sandbox::resources {

using kube::GroupVersionResource;

inline const GroupVersionResource kPods{"", "v1", "pods"};
inline const GroupVersionResource kNodes{"", "v1", "nodes"};
inline const GroupVersionResource kEvents{"", "v1", "events"};
inline const GroupVersionResource kNamespaces{"", "v1", "namespaces"};
inline const GroupVersionResource kConfigMaps{"", "v1", "configmaps"};
inline const GroupVersionResource kSecrets{"", "v1", "secrets"};
inline const GroupVersionResource kServices{"", "v1", "services"};
inline const GroupVersionResource kEndpoints{"", "v1", "endpoints"};
inline const GroupVersionResource kServiceAccounts{"", "v1", "serviceaccounts"};
inline const GroupVersionResource kPersistentVolumes{"", "v1", "persistentvolumes"};
inline const GroupVersionResource kPersistentVolumeClaims{"", "v1", "persistentvolumeclaims"};
inline const GroupVersionResource kDeployments{"apps", "v1", "deployments"};
inline const GroupVersionResource kReplicaSets{"apps", "v1", "replicasets"};
inline const GroupVersionResource kStatefulSets{"apps", "v1", "statefulsets"};
inline const GroupVersionResource kDaemonSets{"apps", "v1", "daemonsets"};
inline const GroupVersionResource kControllerRevisions{"apps", "v1", "controllerrevisions"};
inline const GroupVersionResource kJobs{"batch", "v1", "jobs"};
inline const GroupVersionResource kCronJobs{"batch", "v1", "cronjobs"};
inline const GroupVersionResource kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices"};
inline const GroupVersionResource kStorageClasses{"storage.k8s.io", "v1", "storageclasses"};
inline const GroupVersionResource kCsiDrivers{"storage.k8s.io", "v1", "csidrivers"};
inline const GroupVersionResource kPodDisruptionBudgets{"policy", "v1", "poddisruptionbudgets"};
inline const GroupVersionResource kResourceQuotas{"", "v1", "resourcequotas"};
inline const GroupVersionResource kLeases{"coordination.k8s.io", "v1", "leases"};
inline const GroupVersionResource kVolumeSnapshots{"snapshot.storage.k8s.io", "v1",
                                                   "volumesnapshots"};
inline const GroupVersionResource kVolumeSnapshotContents{"snapshot.storage.k8s.io", "v1",
                                                          "volumesnapshotcontents"};
inline const GroupVersionResource kVolumeSnapshotClasses{"snapshot.storage.k8s.io", "v1",
                                                         "volumesnapshotclasses"};

}  // namespace lateen::sandbox::resources

namespace lateen::sandbox {

// The one node.
inline constexpr std::string_view kNodeName = "sandbox";

// The drivers of its volumes, each its own provisioner: one like EBS, with snapshots, clones and
// expansion; one like EFS, which many pods share and nobody can take a snapshot of.
inline constexpr std::string_view kDriverName = "dir.sandbox.lateen.dev";
inline constexpr std::string_view kSharedDriverName = "shared.sandbox.lateen.dev";

inline bool is_sandbox_driver(std::string_view name) {
  return name == kDriverName || name == kSharedDriverName;
}

}  // namespace lateen::sandbox
