// What an object cannot work without, and which a backup or a cluster may lack: its definition, its
// classes, its roles. Pure.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/findings.h"
#include "base/bytes.h"
#include "base/json.h"

namespace lateen::assurance {

struct Need {
  std::string id = {};              // of the warning, when it is not met: "missing-storage-class"
  std::string group_resource = {};  // "storageclasses.storage.k8s.io"
  std::string ns = {};              // empty: cluster-scoped
  std::string name = {};

  auto operator<=>(const Need&) const = default;
};

// Whether what an object of this kind needs stands in it. A custom resource needs its definition,
// whatever is in it.
bool may_need(std::string_view group_resource);

// `ns` is where the object lies, or would after a restore.
std::vector<Need> needs_of(std::string_view group_resource,
                           std::string_view ns,
                           const Json& object);

// Whether something may need objects of this kind.
bool is_needed_kind(std::string_view group_resource);

// Whether a group is one of Kubernetes' own, whose kinds have no definition.
bool is_kubernetes_group(std::string_view group);

// The warning about one that is not met. `by` are those who need it, the first few of `count`.
// `where` says in what it is missing: "the backup", "the cluster and the backup".
PlanWarning unmet(const Need& need,
                  const std::vector<std::string>& by,
                  std::size_t count,
                  std::string_view where);

// ---- Who else writes an object.
// The tool that keeps an object as a repository says, by its labels and annotations; "" if none
// shows. "Argo CD", "Flux", "Helm", "Fleet", "Config Sync".
std::string_view tracking_tool(const Json& object);

// The same by bytes alone, for objects that are not parsed, of the tools that put back what
// differs.
std::string_view reverting_tool(BytesView json);

// An operator's kind whose controller acts as soon as its objects come back; null if it is none of
// those that we know.
struct OperatorRecipe {
  std::string_view group_resource;
  std::string_view name;
  std::string_view message;
  std::string_view advice;
};

const OperatorRecipe* recipe_for(std::string_view group_resource);

}  // namespace lateen::assurance
