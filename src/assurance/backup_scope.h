// Whether a backup of a spec takes an object, by the very plan that backups are made by. Pure.
#pragma once

#include <string>

#include "assurance/object_lookup.h"
#include "backup/plan.h"
#include "kube/resource.h"
#include "kube/selector.h"

namespace lateen::assurance {

struct ScopeVerdict {
  bool taken = false;
  // Not by itself, but another object may lead to it: a claim to its volume.
  bool may_come_along = false;
  std::string reason = {};  // why it is not taken

  bool operator==(const ScopeVerdict&) const = default;
};

// `labels` are the object's; null when they are not known: then the spec's selectors are not asked.
ScopeVerdict verdict_on(const backup::BackupPlan& plan,
                        const kube::ResourceType& type,
                        const ObjectName& object,
                        const kube::Labels* labels);

}  // namespace lateen::assurance
