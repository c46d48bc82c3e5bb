// What an API server of today serves, as far as backups and restores care, without asking one.
#pragma once

#include <string>
#include <vector>

#include "kube/discovery.h"

namespace lateen::backup::samples {

struct Kind {
  std::string name;  // "deployments.apps"
  std::string version = "v1";
  std::string kind;
  bool namespaced = true;
  std::string short_name = {};
  std::string singular = {};
  std::vector<std::string> verbs = {"create", "delete", "get", "list", "watch"};
};

// In the order in which kube-apiserver 1.36 serves them.
inline std::vector<Kind> kinds() {
  return {
      {"namespaces", "v1", "Namespace", false, "ns", "namespace"},
      {"nodes", "v1", "Node", false, "no", "node"},
      {"persistentvolumes", "v1", "PersistentVolume", false, "pv", "persistentvolume"},
      {"persistentvolumeclaims", "v1", "PersistentVolumeClaim", true, "pvc",
       "persistentvolumeclaim"},
      {"configmaps", "v1", "ConfigMap", true, "cm", "configmap"},
      {"pods", "v1", "Pod", true, "po", "pod"},
      {"bindings", "v1", "Binding", true, "", "binding", {"create"}},
      {"secrets", "v1", "Secret", true, "", "secret"},
      {"serviceaccounts", "v1", "ServiceAccount", true, "sa", "serviceaccount"},
      {"services", "v1", "Service", true, "svc", "service"},
      {"endpoints", "v1", "Endpoints", true, "ep", "endpoints"},
      {"events", "v1", "Event", true, "ev", "event"},
      {"limitranges", "v1", "LimitRange", true, "limits", "limitrange"},
      {"deployments.apps", "v1", "Deployment", true, "deploy", "deployment"},
      {"replicasets.apps", "v1", "ReplicaSet", true, "rs", "replicaset"},
      {"statefulsets.apps", "v1", "StatefulSet", true, "sts", "statefulset"},
      {"events.events.k8s.io", "v1", "Event", true, "ev", "event"},
      {"horizontalpodautoscalers.autoscaling", "v2", "HorizontalPodAutoscaler", true, "hpa",
       "horizontalpodautoscaler"},
      {"jobs.batch", "v1", "Job", true, "", "job"},
      {"clusterroles.rbac.authorization.k8s.io", "v1", "ClusterRole", false, "", "clusterrole"},
      {"clusterrolebindings.rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", false, "",
       "clusterrolebinding"},
      {"roles.rbac.authorization.k8s.io", "v1", "Role", true, "", "role"},
      {"storageclasses.storage.k8s.io", "v1", "StorageClass", false, "sc", "storageclass"},
      {"mutatingwebhookconfigurations.admissionregistration.k8s.io", "v1",
       "MutatingWebhookConfiguration", false, "", "mutatingwebhookconfiguration"},
      {"customresourcedefinitions.apiextensions.k8s.io", "v1", "CustomResourceDefinition", false,
       "crd", "customresourcedefinition"},
      {"priorityclasses.scheduling.k8s.io", "v1", "PriorityClass", false, "pc", "priorityclass"},
      {"volumesnapshots.snapshot.storage.k8s.io", "v1", "VolumeSnapshot", true, "vs",
       "volumesnapshot"},
      {"volumesnapshotcontents.snapshot.storage.k8s.io", "v1", "VolumeSnapshotContent", false,
       "vsc", "volumesnapshotcontent"},
      {"books.library.example.com", "v1", "Book", true, "bk", "book"},
      {"services.serving.knative.dev", "v1", "Service", true, "ksvc", "service"},
      {"backups.velero.io", "v1", "Backup", true, "", "backup"},
  };
}

inline kube::Discovery make_discovery(const std::vector<Kind>& served) {
  kube::DiscoveryParts parts;
  for (const Kind& one : served) {
    const kube::GroupResource name = kube::parse_group_resource(one.name);
    kube::ResourceType type;
    type.gvr = {name.group, one.version, name.resource};
    type.kind = one.kind;
    type.namespaced = one.namespaced;
    type.verbs = one.verbs;
    type.singular = one.singular;
    if (!one.short_name.empty()) type.short_names = {one.short_name};
    parts.types.push_back(std::move(type));
    if (parts.groups.empty() || parts.groups.back().name != name.group) {
      parts.groups.push_back({.name = name.group, .versions = {one.version}});
    }
  }
  return kube::Discovery(parts.groups, parts.types, {});
}

inline kube::Discovery make_discovery() {
  return make_discovery(kinds());
}

}  // namespace lateen::backup::samples
