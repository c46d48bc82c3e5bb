// A resource policy's word before a plugin's action that saves volumes.
#pragma once

#include <memory>

#include "backup/item_action.h"
#include "kube/client.h"
#include "model/resource_policy.h"

namespace lateen::backup {

// As Velero gates the action of its vSphere plugin (and its own for CSI, which asks the policy by
// itself): a claim whose volume the policy skips does not reach it. Others are returned as they
// came. The policy outlives the action.
std::unique_ptr<ItemAction> gate_by_policy(std::unique_ptr<ItemAction> action,
                                           kube::Client& client,
                                           const model::ResourcePolicy& policy);

}  // namespace lateen::backup
