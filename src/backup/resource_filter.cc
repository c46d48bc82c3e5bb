#include "backup/resource_filter.h"

#include <algorithm>

#include "base/text.h"
#include "model/spec_validation.h"

namespace lateen::backup {
namespace {

using Names = std::vector<std::string>;

bool matches(const Names& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return glob_match(pattern, name); });
}

bool has_star(const Names& names) {
  return std::find(names.begin(), names.end(), "*") != names.end();
}

constexpr std::string_view kSnapshots = "volumesnapshots.snapshot.storage.k8s.io";
constexpr std::string_view kSnapshotContents = "volumesnapshotcontents.snapshot.storage.k8s.io";

// Velero 1.17 and later write these two into the excludes of every Backup; a spec that was copied
// from one says nothing about resources by them.
model::BackupSpec without_automatic_excludes(model::BackupSpec spec) {
  for (model::StringList* list : {&spec.excluded_resources, &spec.excluded_cluster_scoped_resources,
                                  &spec.excluded_namespace_scoped_resources}) {
    std::erase_if(*list, [](const std::string& name) {
      return name == kSnapshots || name == kSnapshotContents;
    });
  }
  return spec;
}

// The names of one scope: one that resolves to a kind of the other scope is dropped, as Velero
// does.
enum class Scope { Any, Namespaced, Cluster };

Names resolved(const model::StringList& names, const kube::Discovery& discovery, Scope scope) {
  Names out;
  for (const std::string& name : names) {
    const kube::ResourceType* type = is_glob(name) ? nullptr : discovery.find(name);
    if (type == nullptr) {
      out.push_back(name);
      continue;
    }
    const bool other_scope = (scope == Scope::Namespaced && !type->namespaced) ||
                             (scope == Scope::Cluster && type->namespaced);
    if (!other_scope) out.push_back(type->group_resource());
  }
  return out;
}

bool contains(const model::StringList& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// Adds to `list` what is in neither of the two.
void add_unmentioned(const model::StringList& names,
                     const model::StringList& other,
                     model::StringList& list) {
  for (const std::string& name : names) {
    if (!contains(list, name) && !contains(other, name)) list.push_back(name);
  }
}

}  // namespace

model::BackupSpec with_policy(model::BackupSpec spec, const model::IncludeExcludePolicy& policy) {
  add_unmentioned(policy.excluded_cluster_scoped_resources, spec.included_cluster_scoped_resources,
                  spec.excluded_cluster_scoped_resources);
  add_unmentioned(policy.included_cluster_scoped_resources, spec.excluded_cluster_scoped_resources,
                  spec.included_cluster_scoped_resources);
  add_unmentioned(policy.excluded_namespace_scoped_resources,
                  spec.included_namespace_scoped_resources,
                  spec.excluded_namespace_scoped_resources);
  add_unmentioned(policy.included_namespace_scoped_resources,
                  spec.excluded_namespace_scoped_resources,
                  spec.included_namespace_scoped_resources);
  return spec;
}

ResourceFilter::ResourceFilter(const model::BackupSpec& stored,
                               const kube::Discovery& discovery,
                               bool namespaces_everything)
    : ResourceFilter(discovery, without_automatic_excludes(stored), namespaces_everything) {}

ResourceFilter::ResourceFilter(const kube::Discovery& discovery,
                               const model::BackupSpec& spec,
                               bool namespaces_everything)
    : family_(model::uses_new_resource_filters(spec) ? Family::New : Family::Old),
      namespaces_everything_(namespaces_everything),
      cluster_resources_(spec.include_cluster_resources) {
  if (family_ == Family::Old) {
    included_ = resolved(spec.included_resources, discovery, Scope::Any);
    excluded_ = resolved(spec.excluded_resources, discovery, Scope::Any);
    return;
  }
  included_ = resolved(spec.included_namespace_scoped_resources, discovery, Scope::Namespaced);
  excluded_ = resolved(spec.excluded_namespace_scoped_resources, discovery, Scope::Namespaced);
  cluster_included_ = resolved(spec.included_cluster_scoped_resources, discovery, Scope::Cluster);
  cluster_excluded_ = resolved(spec.excluded_cluster_scoped_resources, discovery, Scope::Cluster);
}

Reason ResourceFilter::why_not_collected(const kube::ResourceType& type) const {
  const std::string name = type.group_resource();
  // Snapshots are the business of the volumes they belong to: those of this backup come with their
  // claims, and anybody else's would be restored as something that the storage does not have.
  if (name == kSnapshots || name == kSnapshotContents) {
    return "snapshots are backed up with the volumes they are of";
  }
  return family_ == Family::Old ? old_collected(type, name) : new_collected(type, name);
}

Reason ResourceFilter::why_not_as_additional(const kube::ResourceType& type) const {
  const std::string name = type.group_resource();
  if (family_ == Family::Old) return old_additional(type, name);
  if (type.namespaced) return new_collected(type, name);
  // What a selected object leads to comes along unless it was excluded by name.
  if (has_star(cluster_excluded_) || matches(cluster_excluded_, name)) return "excluded";
  return {};
}

Reason ResourceFilter::old_collected(const kube::ResourceType& type, std::string_view name) const {
  if (!type.namespaced) {
    if (cluster_resources_ == false) return "includeClusterResources is false";
    // Without a word about cluster resources they are collected only with the whole cluster;
    // namespaces are looked at by themselves, and what the selected objects lead to comes along.
    if (!cluster_resources_.has_value() && !namespaces_everything_ && name != "namespaces") {
      return "cluster-scoped, and not all namespaces are included";
    }
  }
  if (matches(excluded_, name)) return "excluded";
  if (!included_.empty() && !has_star(included_) && !matches(included_, name)) {
    return "not among the included resources";
  }
  return {};
}

Reason ResourceFilter::old_additional(const kube::ResourceType& type, std::string_view name) const {
  if (matches(excluded_, name)) return "excluded";
  if (!type.namespaced) {
    if (cluster_resources_ == false) return "includeClusterResources is false";
    if (!cluster_resources_.has_value() && !included_.empty() && !has_star(included_) &&
        !matches(included_, name)) {
      return "cluster-scoped, and not among the included resources";
    }
    return {};
  }
  if (!included_.empty() && !has_star(included_) && !matches(included_, name)) {
    return "not among the included resources";
  }
  return {};
}

Reason ResourceFilter::new_collected(const kube::ResourceType& type, std::string_view name) const {
  if (type.namespaced) {
    if (has_star(excluded_) || matches(excluded_, name)) return "excluded";
    if (!included_.empty() && !has_star(included_) && !matches(included_, name)) {
      return "not among the included namespace-scoped resources";
    }
    return {};
  }
  if (has_star(cluster_excluded_) || matches(cluster_excluded_, name)) return "excluded";
  if (name == "namespaces") return {};
  const bool nothing_said = cluster_included_.empty() && cluster_excluded_.empty();
  const bool all_namespaced =
      (included_.empty() || has_star(included_)) && excluded_.empty() && namespaces_everything_;
  if (nothing_said && all_namespaced) return {};
  if (has_star(cluster_included_) || matches(cluster_included_, name)) return {};
  return "not among the included cluster-scoped resources";
}

bool ResourceFilter::crds_by_default() const {
  constexpr std::string_view kCrds = "customresourcedefinitions.apiextensions.k8s.io";
  if (family_ == Family::Old) {
    return cluster_resources_ != false && !matches(excluded_, kCrds);
  }
  return !has_star(cluster_excluded_) && !matches(cluster_excluded_, kCrds);
}

}  // namespace lateen::backup
