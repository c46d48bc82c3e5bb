// ClusterRoles whose rules are those of others: admin, edit and view, and what people add to them
// by labels.
#pragma once

#include "base/log.h"
#include "sandbox/api/api.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox::rbac {

// Brings the rules of every ClusterRole with an aggregationRule up to date. Called after each write
// of a ClusterRole; its own writes call it again, until nothing changes.
void aggregate_cluster_roles(Api& api, const Store& store, const Log& log);

}  // namespace lateen::sandbox::rbac
