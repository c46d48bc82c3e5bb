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

// Those of lateen.io, for what Velero has no kind for. Installed beside Velero's; a cluster without
// them is served all the same, but for what they are.
std::vector<Json> own_crd_manifests();

// One of Velero's; null if there is none of that plural.
Json crd_manifest(std::string_view plural);

}  // namespace lateen::model
