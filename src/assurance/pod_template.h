// The pod that a workload is made of. Pure.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::assurance {

// The pod's spec in a pod, or in the template of what makes pods; null for all other kinds.
const Json* pod_spec_of(std::string_view group_resource, const Json& object);

}  // namespace lateen::assurance
