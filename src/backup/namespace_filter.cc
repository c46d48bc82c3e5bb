#include "backup/namespace_filter.h"

#include <algorithm>

#include "base/text.h"
#include "model/names.h"

namespace lateen::backup {
namespace {

bool matches_any(const model::StringList& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return glob_match(pattern, name); });
}

bool asks_for_all(const model::StringList& included) {
  return included.empty() || (included.size() == 1 && included.front() == "*");
}

}  // namespace

NamespaceFilter NamespaceFilter::resolve(const model::BackupSpec& spec,
                                         const std::vector<NamespaceFacts>& present) {
  NamespaceFilter filter;
  model::StringList excluded = spec.excluded_namespaces;
  for (const NamespaceFacts& ns : present) {
    const auto label = ns.labels.find(model::labels::kExcludeFromBackup);
    if (label != ns.labels.end() && label->second == "true") excluded.push_back(ns.name);
  }
  const bool all = asks_for_all(spec.included_namespaces);
  std::size_t active = 0;
  std::size_t active_selected = 0;
  for (const NamespaceFacts& ns : present) {
    active += ns.active ? 1 : 0;
    const bool by_name = std::find(spec.included_namespaces.begin(), spec.included_namespaces.end(),
                                   ns.name) != spec.included_namespaces.end();
    if (by_name) filter.named_.insert(ns.name);
    const bool included =
        by_name || (ns.active && (all || matches_any(spec.included_namespaces, ns.name)));
    if (!included || matches_any(excluded, ns.name)) continue;
    filter.selected_.insert(ns.name);
    active_selected += ns.active ? 1 : 0;
  }
  for (const std::string& wanted : spec.included_namespaces) {
    if (is_glob(wanted) || filter.named_.find(wanted) != filter.named_.end()) continue;
    filter.missing_.push_back(wanted);
  }
  const bool named_each = !all && active > 0 && active_selected == active;
  filter.everything_ = excluded.empty() && (all || named_each);
  return filter;
}

}  // namespace lateen::backup
