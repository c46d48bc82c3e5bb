// Saves a claim's volume: decides how, takes the CSI snapshot if it is to be one, and tells the
// tracker what became of it, with the reason where nothing did.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/csi_actions.h"
#include "base/thread.h"
#include "model/data_movement.h"
#include "volumes/csi_snapshot.h"
#include "volumes/decision.h"

namespace lateen::backup {

// "<ns>/<VolumeSnapshot>/<its creation>": what the operation of a snapshot is asked for by.
std::string snapshot_operation_id(const Json& snapshot);

// What the stored claim says of its snapshot; and a request for storage that the snapshot fits
// into.
void mark_claim(Json& claim, const volumes::CsiSnapshot& snapshot);

struct SavedVolume {
  volumes::CsiSnapshot snapshot;
  // Set when its data go to the repository: the snapshot is then the data mover's, and ends with
  // it.
  std::optional<model::DataUpload> upload = {};
};

// Thread-safe.
class SnapshotTaker {
 public:
  explicit SnapshotTaker(const CsiActionTools& tools) : tools_(tools) {}

  // Nothing when the volume is not snapshotted. A failed snapshot is an Error: the claim is then
  // not backed up either, for a restore would make an empty volume of it.
  Result<std::optional<SavedVolume>> save_volume(const Json& claim,
                                                 const Log& log,
                                                 std::stop_token stop);

 private:
  Result<volumes::CsiSnapshot> take(const Json& claim,
                                    const std::string& snapshot_class,
                                    const Log& log,
                                    std::stop_token stop);
  // Has its data moved; the snapshot goes if that cannot even be asked for.
  Result<model::DataUpload> move(const Json& claim,
                                 const volumes::CsiSnapshot& snapshot,
                                 const Log& log,
                                 std::stop_token stop);
  void rehearse(const Json& claim,
                const Json& volume,
                const volumes::VolumeDecision& decision,
                const Result<std::string>& snapshot_class,
                const Log& log);
  void warn_of_group(const Json& claim, const Log& log) const;
  // Whether the volume's storage is asked itself, since CSI cannot do it here.
  Result<bool> goes_native(const Json& claim,
                           const Json& volume,
                           const Error& why,
                           const Log& log,
                           std::stop_token stop);
  void mark(const volumes::CsiSnapshot& snapshot,
            const Json& volume,
            const Log& log,
            std::stop_token stop);
  Result<std::string> snapshot_class(const Json& claim,
                                     std::string_view driver,
                                     std::stop_token stop);
  void not_saved(const volumes::VolumeDecision& decision,
                 const Json& claim,
                 const Json* volume,
                 const Log& log);

  const CsiActionTools tools_;
  Mutex mu_;
  std::optional<std::vector<Json>> classes_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::backup
