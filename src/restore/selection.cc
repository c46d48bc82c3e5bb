#include "restore/selection.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/spec_validation.h"

namespace lateen::restore {
namespace {

model::StringList resolved(const model::StringList& names, const kube::Discovery& discovery) {
  model::StringList out;
  for (const std::string& name : names) {
    out.push_back(is_glob(name) ? name : discovery.resolve_name(name));
  }
  return out;
}

model::StringList with_never_restored(model::StringList excluded) {
  excluded.insert(excluded.end(), model::kNonRestorableResources.begin(),
                  model::kNonRestorableResources.end());
  return excluded;
}

// What a claim's data consists of: a claim that is restored without them would wait for ever.
bool belongs_to_claims(std::string_view group_resource) {
  constexpr std::array<std::string_view, 3> kKinds = {
      "datauploads.velero.io", "volumesnapshots.snapshot.storage.k8s.io",
      "volumesnapshotcontents.snapshot.storage.k8s.io"};
  return std::find(kKinds.begin(), kKinds.end(), group_resource) != kKinds.end();
}

}  // namespace

Selection::Selection(const model::RestoreSpec& spec, const kube::Discovery& discovery)
    : spec_(spec),
      namespaces_(spec.included_namespaces, spec.excluded_namespaces),
      resources_(resolved(spec.included_resources, discovery),
                 with_never_restored(resolved(spec.excluded_resources, discovery))) {}

std::string Selection::why_not(const archive::ItemKey& item) const {
  if (item.ns.empty() && !spec_.include_cluster_resources && !namespaces_.includes_everything()) {
    return "cluster-scoped, and not all namespaces are included";
  }
  return why_not_by_filters(item);
}

std::string Selection::why_not_as_additional(const archive::ItemKey& item) const {
  if (belongs_to_claims(item.group_resource)) return {};
  return why_not_by_filters(item);
}

std::string Selection::why_not_by_filters(const archive::ItemKey& item) const {
  if (!resources_.should_include(item.group_resource)) {
    return resources_.is_excluded(item.group_resource)
               ? "its kind is excluded"
               : "its kind is not among the included resources";
  }
  if (item.ns.empty()) {
    return spec_.include_cluster_resources == false ? "includeClusterResources is false" : "";
  }
  if (!namespaces_.should_include(item.ns)) {
    return namespaces_.is_excluded(item.ns) ? "its namespace is excluded"
                                            : "its namespace is not among the included ones";
  }
  return {};
}

std::string Selection::target_of(std::string_view ns) const {
  const auto mapped = spec_.namespace_mapping.find(ns);
  return mapped == spec_.namespace_mapping.end() ? std::string(ns) : mapped->second;
}

}  // namespace lateen::restore
