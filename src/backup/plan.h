// A backup as a value: what will be listed, in which order, what is left out and why. Pure: made
// from the spec, from what discovery found and from the namespaces that exist; printed by tests,
// carried out by run.h.
#pragma once

#include <string>
#include <vector>

#include "backup/namespace_filter.h"
#include "backup/resource_filter.h"
#include "kube/discovery.h"
#include "kube/resource.h"
#include "model/backup_spec.h"

namespace lateen::backup {

// One kind to collect. Steps of one rank may run at once; ranks follow each other.
struct CollectionStep {
  kube::ResourceType type;
  // Which namespaces to look into, sorted; empty for a cluster-scoped kind.
  std::vector<std::string> namespaces;
  // So many of the cluster's namespaces are wanted that one list over all of them is the cheaper
  // way.
  bool list_wide = false;
  // Sent to the API server; several are listed one after the other (OR), and an object counts once.
  std::vector<std::string> label_selectors;  // at least one; "" selects all
  // spec.orderedResources: "ns/name" or "name" of the objects that are backed up before the others.
  std::vector<std::string> first = {};
};

struct SkippedKind {
  std::string kind;  // "secrets", "deployments.apps"
  std::string reason;
};

// With the feature EnableAPIGroupVersions objects are backed up in every version that is served, so
// that a restore can choose.
enum class Versions { Preferred, All };

struct BackupPlan {
  NamespaceFilter namespaces;
  ResourceFilter resources;
  Versions versions = Versions::Preferred;
  // Pods before claims before volumes, so that hooks run around the snapshots of their volumes;
  // then the rest.
  std::vector<std::vector<CollectionStep>> ranks;
  std::vector<SkippedKind> skipped;
  // To be said in the backup's log: what was asked for and cannot be had.
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

BackupPlan plan_backup(const model::BackupSpec& spec,
                       const kube::Discovery& discovery,
                       const std::vector<NamespaceFacts>& namespaces,
                       Versions versions = Versions::Preferred);

// The plan for a person: a line a rank and kind, then what is skipped and why.
std::string describe(const BackupPlan& plan);

}  // namespace lateen::backup
