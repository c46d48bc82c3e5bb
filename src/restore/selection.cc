#include "restore/selection.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/spec_validation.h"
#include "restore/namespace_mapping.h"

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
                 with_never_restored(resolved(spec.excluded_resources, discovery))) {
  for (const std::string& text : spec.included_objects) {
    auto object = model::NamedObject::parse(text);
    if (!object) continue;  // the validation of the spec has said so
    object->resource = discovery.resolve_name(object->resource);
    only_.push_back(std::move(*object));
  }
}

bool Selection::is_asked_for(const archive::ItemKey& item) const {
  return std::any_of(only_.begin(), only_.end(), [&item](const model::NamedObject& object) {
    return object.means(item.group_resource, item.ns, item.name);
  });
}

std::string Selection::why_not(const archive::ItemKey& item) const {
  if (!only_.empty()) {
    return is_asked_for(item) ? why_not_by_filters(item) : "only single objects are asked for";
  }
  if (item.ns.empty() && !spec_.include_cluster_resources && !namespaces_.includes_everything()) {
    return "cluster-scoped, and not all namespaces are included";
  }
  return why_not_by_filters(item);
}

std::string Selection::why_not_as_additional(const archive::ItemKey& item) const {
  if (belongs_to_claims(item.group_resource)) return {};
  if (!only_.empty() && !is_asked_for(item)) return "only single objects are asked for";
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
  return target_namespace(spec_.namespace_mapping, ns);
}

}  // namespace lateen::restore
