// The thirteen CustomResourceDefinitions of velero.io, as a real API server takes them.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::model {

// In alphabetical order of their plurals; names are "<plural>.velero.io". Complete manifests with
// structural schemas that know every field of Velero 1.18 (and thus of 1.14), so that nothing is
// pruned that either writes.
std::vector<Json> crd_manifests();

// One of them; null if there is none of that plural.
Json crd_manifest(std::string_view plural);

}  // namespace lateen::model
