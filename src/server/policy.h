// The ConfigMap of volume policies that a Backup names.
#pragma once

#include <optional>
#include <stop_token>

#include "base/result.h"
#include "model/backup.h"
#include "model/resource_policy.h"
#include "server/cluster.h"

namespace lateen::server {

// Nothing when spec.resourcePolicy names no ConfigMap. InvalidArgument or NotFound say what is
// wrong with it, in Velero's words.
Result<std::optional<model::ResourcePolicy>> read_policy(const model::Backup& backup,
                                                         const Cluster& cluster,
                                                         std::stop_token stop);

}  // namespace lateen::server
