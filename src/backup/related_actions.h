// The built-in actions that bring along what an object needs: a pod's claims and priority class, a
// claim's volume, the cluster roles of a service account.
#pragma once

#include <memory>

#include "backup/item_action.h"
#include "kube/client.h"

namespace lateen::backup {

// velero.io/pod
std::unique_ptr<ItemAction> make_pod_action();

// velero.io/pv: also takes out of the claim what is true in this cluster only. `backup_name` is the
// label's value: another backup's label goes.
std::unique_ptr<ItemAction> make_claim_action(std::string backup_name);

// velero.io/service-account: reads the ClusterRoleBindings once, when the first account comes.
std::unique_ptr<ItemAction> make_service_account_action(kube::Client& client);

}  // namespace lateen::backup
