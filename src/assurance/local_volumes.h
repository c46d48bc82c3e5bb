// The volumes of a pod that are no claims: what is in them is nowhere else. Pure.
#pragma once

#include <vector>

#include "assurance/findings.h"
#include "base/json.h"

namespace lateen::assurance {

// Without those that hold nothing of their own (projected, configMap, secret, downwardAPI).
std::vector<LocalVolume> local_volumes_of(const Json& pod);

}  // namespace lateen::assurance
