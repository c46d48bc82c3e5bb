// Where a PersistentVolume lies. Pure.
#pragma once

#include <string>

#include "base/json.h"

namespace lateen::volumes {

// Its zone, as Velero finds it: the label topology.kubernetes.io/zone, the label that was there
// before it, or the node affinity that the driver gave it. A volume of several zones (GKE) has them
// joined by "__". "" if it says none.
std::string zone_of(const Json& persistent_volume);

}  // namespace lateen::volumes
