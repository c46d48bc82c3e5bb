#pragma once

#include "base/json.h"

namespace lateen::kube {

// A label selector of nodes (matchLabels, matchExpressions) in the words of a pod's affinity, where
// it must be met.
Json node_affinity(const Json& selector);

}  // namespace lateen::kube
