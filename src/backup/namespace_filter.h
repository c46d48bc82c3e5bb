// Which namespaces a backup covers: patterns resolved against the namespaces that are there. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/backup_spec.h"
#include "model/object_meta.h"

namespace lateen::backup {

// What a plan wants to know of a namespace.
struct NamespaceFacts {
  std::string name;
  model::StringMap labels;
  bool active = true;  // phase Active; a terminating one is passed over by patterns
};

// Immutable.
class NamespaceFilter {
 public:
  // Velero 1.18: `*` and other patterns stand for the namespaces that exist now; a pattern that
  // matches nothing means nothing, not everything. Namespaces labelled
  // velero.io/exclude-from-backup=true are excluded.
  static NamespaceFilter resolve(const model::BackupSpec& spec,
                                 const std::vector<NamespaceFacts>& present);

  bool includes(std::string_view ns) const { return selected_.find(ns) != selected_.end(); }

  // Every namespace of the cluster is meant, whether by saying nothing, by `*`, or by naming each:
  // then cluster-scoped resources are collected too, unless a filter says otherwise.
  bool is_everything() const { return everything_; }

  // The namespaces to look into, sorted.
  const std::set<std::string, std::less<>>& selected() const { return selected_; }

  // Names (not patterns) that were asked for and are not there.
  const std::vector<std::string>& missing() const { return missing_; }

  // Asked for by its own name, rather than by a pattern: its Namespace object is kept even when
  // empty.
  bool names(std::string_view ns) const { return named_.find(ns) != named_.end(); }

 private:
  std::set<std::string, std::less<>> selected_;
  std::set<std::string, std::less<>> named_;
  std::vector<std::string> missing_;
  bool everything_ = false;
};

}  // namespace lateen::backup
