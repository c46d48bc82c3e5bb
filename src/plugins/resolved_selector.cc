#include "plugins/resolved_selector.h"

#include <algorithm>

#include "base/text.h"
#include "kube/object.h"

namespace lateen::plugins {
namespace {

using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](const std::string& pattern) {
    return pattern == "*" || glob_match(pattern, name);
  });
}

bool passes(const Names& included, const Names& excluded, std::string_view name) {
  return !has(excluded, name) && (included.empty() || has(included, name));
}

Names resolve_names(const Names& names, const kube::Discovery& discovery) {
  Names resolved;
  for (const std::string& name : names)
    resolved.push_back(is_glob(name) ? name : discovery.resolve_name(name));
  return resolved;
}

}  // namespace

Result<ResolvedSelector> ResolvedSelector::resolve(const ResourceSelector& selector,
                                                   const kube::Discovery& discovery) {
  ResolvedSelector resolved;
  resolved.included_resources_ = resolve_names(selector.included_resources, discovery);
  resolved.excluded_resources_ = resolve_names(selector.excluded_resources, discovery);
  resolved.included_namespaces_ = selector.included_namespaces;
  resolved.excluded_namespaces_ = selector.excluded_namespaces;
  resolved.labels_ = TRY(kube::LabelSelector::parse(selector.label_selector)
                             .wrap("label selector {}", quote_go(selector.label_selector)));
  return resolved;
}

bool ResolvedSelector::wants_kind(std::string_view group_resource) const {
  return passes(included_resources_, excluded_resources_, group_resource);
}

bool ResolvedSelector::wants_namespace(std::string_view ns) const {
  if (!ns.empty()) return passes(included_namespaces_, excluded_namespaces_, ns);
  const bool all = included_namespaces_.empty() ||
                   (included_namespaces_.size() == 1 && included_namespaces_.front() == "*");
  return all && excluded_namespaces_.empty();
}

bool ResolvedSelector::wants_object(const Json& object) const {
  return wants_namespace(kube::namespace_of(object)) &&
         labels_.matches(object_at(object, "metadata.labels"));
}

}  // namespace lateen::plugins
