// The roles and bindings that every cluster starts with.
#pragma once

#include <vector>

#include "base/json.h"

namespace lateen::sandbox::rbac {

// ClusterRoles and ClusterRoleBindings, each with its kind. What grants something to the parts of a
// cluster that the sandbox has inside itself (system:kube-scheduler, system:controller:...) is not
// among them.
std::vector<Json> default_objects();

// view, edit and admin, which are made of these and of each other: after them, in this order.
std::vector<Json> aggregated_roles();

}  // namespace lateen::sandbox::rbac
