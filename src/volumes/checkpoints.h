// Unfinished snapshots of volumes. The next copy of the same volume goes on from one, and takes it
// away when it is whole; one whose volume is never copied again would keep its data for ever. Pure.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"

namespace lateen::repository {
struct Snapshot;
}

namespace lateen::volumes {

// Whoever is at work writes another checkpoint every few minutes; a backup that failed is tried
// again within days, or not at all.
inline constexpr Duration kCheckpointsKept = std::chrono::hours(72);

// IDs of those that nobody has written to for so long.
std::vector<std::string> abandoned_checkpoints(std::span<const repository::Snapshot> all,
                                               TimePoint now);

}  // namespace lateen::volumes
