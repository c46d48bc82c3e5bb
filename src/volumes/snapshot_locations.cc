#include "volumes/snapshot_locations.h"

namespace lateen::volumes {

Result<VolumeSnapshotter*> SnapshotLocations::of(const std::string& location,
                                                 std::stop_token stop) {
  const Lock lock(mu_);  // the first one opens for all
  auto found = opened_.find(location);
  if (found == opened_.end()) {
    auto opened = open_(location, stop).wrap("volume snapshot location {}", location);
    if (!opened && stop.stop_requested()) return std::move(opened).error();
    found = opened_.emplace(location, std::move(opened)).first;
  }
  if (!found->second) return found->second.error();
  return found->second->get();
}

}  // namespace lateen::volumes
