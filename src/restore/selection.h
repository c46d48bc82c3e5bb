// Which objects of a backup a restore takes, by namespace and kind. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_paths.h"
#include "kube/discovery.h"
#include "model/include_exclude.h"
#include "model/named_object.h"
#include "model/restore.h"

namespace lateen::restore {

// Immutable. The discovery must outlive it.
class Selection {
 public:
  Selection(const model::RestoreSpec& spec, const kube::Discovery& discovery);

  // Why an object is left out; empty when it is taken.
  std::string why_not(const archive::ItemKey& item) const;

  // The same for an object that another one leads to: the rule that cluster-scoped objects come
  // only with all namespaces does not hold for it, and what a claim's data consists of comes
  // whatever kinds are asked for.
  std::string why_not_as_additional(const archive::ItemKey& item) const;

  // "shop" → "shop-copy", if it is mapped.
  std::string target_of(std::string_view ns) const;

 private:
  bool is_asked_for(const archive::ItemKey& item) const;
  std::string why_not_by_filters(const archive::ItemKey& item) const;

  const model::RestoreSpec& spec_;
  model::IncludeExclude namespaces_;
  model::IncludeExclude resources_;
  std::vector<model::NamedObject> only_;  // nothing else; empty: no such limit
};

}  // namespace lateen::restore
