// CustomResourceDefinitions in the form in which an old cluster takes them back.
#pragma once

#include <memory>

#include "backup/item_action.h"
#include "kube/client.h"
#include "kube/discovery.h"

namespace lateen::backup {

// velero.io/crd-remap-version: a definition that was made as v1beta1 does not pass v1's rules when
// it is created anew, so its v1beta1 form is stored, while the cluster serves that. Null where it
// does not (Kubernetes 1.22 and later).
std::unique_ptr<ItemAction> make_definition_action(kube::Client& client,
                                                   const kube::Discovery& discovery);

}  // namespace lateen::backup
