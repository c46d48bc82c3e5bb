// One object of a backup, as people name it: RESOURCE/NAMESPACE/NAME, or RESOURCE/NAME when it is
// of no namespace. RESOURCE is a plural with or without its group: deployments, deployments.apps.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen::model {

// Immutable.
struct NamedObject {
  std::string resource = {};
  std::string ns = {};  // empty: cluster-scoped
  std::string name = {};

  // InvalidArgument says what is wrong with it.
  static Result<NamedObject> parse(std::string_view text);
  // Whether it means this object of a backup. `group_resource` is "pods", "deployments.apps".
  bool means(std::string_view group_resource, std::string_view ns, std::string_view name) const;

  std::string text() const;

  bool operator==(const NamedObject&) const = default;
};

}  // namespace lateen::model
