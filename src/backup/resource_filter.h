// Which kinds of objects a backup covers: Velero's two families of filters over what discovery
// found. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/discovery.h"
#include "kube/resource.h"
#include "model/backup_spec.h"
#include "model/resource_policy.h"

namespace lateen::backup {

// Why a kind is left out; empty when it is in.
using Reason = std::string;

// The spec with the filters that a volume policy's includeExcludePolicy adds to the scoped lists:
// what the spec itself says of a name stands.
model::BackupSpec with_policy(model::BackupSpec spec, const model::IncludeExcludePolicy& policy);

// Immutable.
class ResourceFilter {
 public:
  // `namespaces_everything`: NamespaceFilter::is_everything(). Names are resolved through discovery
  // ("deploy" → "deployments.apps"); one that is not known stays as it was written, for a kind may
  // come by a pattern.
  ResourceFilter(const model::BackupSpec& spec,
                 const kube::Discovery& discovery,
                 bool namespaces_everything);

  // Should objects of this kind be collected?
  Reason why_not_collected(const kube::ResourceType& type) const;

  // May an object of this kind come along because another object leads to it?
  Reason why_not_as_additional(const kube::ResourceType& type) const;

  // Neither included nor excluded by name: then the CRDs of backed-up custom resources come along.
  bool crds_by_default() const;

 private:
  enum class Family { Old, New };

  // `spec` is without what servers add by themselves.
  ResourceFilter(const kube::Discovery& discovery,
                 const model::BackupSpec& spec,
                 bool namespaces_everything);

  Reason old_collected(const kube::ResourceType& type, std::string_view name) const;
  Reason old_additional(const kube::ResourceType& type, std::string_view name) const;
  Reason new_collected(const kube::ResourceType& type, std::string_view name) const;

  Family family_;
  bool namespaces_everything_;
  std::optional<bool> cluster_resources_;
  // Old: both scopes together. New: namespace-scoped.
  std::vector<std::string> included_;
  std::vector<std::string> excluded_;
  // New only.
  std::vector<std::string> cluster_included_;
  std::vector<std::string> cluster_excluded_;
};

}  // namespace lateen::backup
