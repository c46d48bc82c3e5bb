// A CSI snapshot taken over by the data mover: its objects move from the namespace of the claim
// into Velero's, so that a claim there can be made of it, and the storage's snapshot goes when
// they go.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace lateen::volumes {

struct SnapshotTakeover {
  std::string source_ns = {};  // of the VolumeSnapshot that the backup took
  std::string source_name = {};
  std::string ns = {};    // Velero's
  std::string name = {};  // of the VolumeSnapshot there, and of its content
};

struct TakenSnapshot {
  bool ready = false;             // a claim can be made of it; if not, look again
  std::int64_t restore_size = 0;  // 0: the driver does not say
  std::string complaint = {};     // what the driver last said while it was not ready
};

// One step: as far as it goes without waiting, from wherever an earlier one was interrupted. The
// first objects go, and their snapshot stays, only once the new ones are there. NotFound when there
// is neither the old snapshot nor the new one.
Result<TakenSnapshot> take_over_snapshot(kube::Client& client,
                                         const SnapshotTakeover& what,
                                         std::stop_token stop);

// Removes the snapshot, whoever has it by now, from the cluster and from the storage. What is gone
// already is fine.
Status drop_taken_snapshot(kube::Client& client,
                           const SnapshotTakeover& what,
                           std::stop_token stop);

}  // namespace lateen::volumes
