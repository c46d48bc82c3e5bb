// A plugin's ResourceSelector on one cluster: its names made full by discovery. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/discovery.h"
#include "kube/selector.h"
#include "plugins/item_actions.h"

namespace lateen::plugins {

// Immutable.
class ResolvedSelector {
 public:
  // "deploy" becomes "deployments.apps"; what the cluster does not know stays as it is. An error
  // when the label selector cannot be read.
  static Result<ResolvedSelector> resolve(const ResourceSelector& selector,
                                          const kube::Discovery& discovery);

  // "persistentvolumeclaims", "deployments.apps".
  bool wants_kind(std::string_view group_resource) const;

  // Cluster-scoped objects (no namespace) only if the selector says nothing about namespaces.
  bool wants_namespace(std::string_view ns) const;

  // By its namespace and labels.
  bool wants_object(const Json& object) const;

 private:
  std::vector<std::string> included_resources_;
  std::vector<std::string> excluded_resources_;
  std::vector<std::string> included_namespaces_;
  std::vector<std::string> excluded_namespaces_;
  kube::LabelSelector labels_;
};

}  // namespace lateen::plugins
