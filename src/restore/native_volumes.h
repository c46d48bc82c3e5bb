// Volumes that come back from native snapshots: before a PersistentVolume is restored, its storage
// is asked for a new volume, and the object is made to name it.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "base/thread.h"
#include "model/native_snapshot.h"
#include "model/volume_info.h"
#include "restore/action.h"
#include "restore/run.h"

namespace lateen::restore {

// Thread-safe.
class NativeVolumes {
 public:
  // All of it outlives this.
  NativeVolumes(const ActionContext& context,
                const RestoreTools& tools,
                const RestoreRunOptions& options)
      : context_(context), tools_(tools), options_(options) {}

  // For a stripped PersistentVolume, by its name in the backup. Makes the volume and changes the
  // object: its volume id, and its name where a restore into another namespace meets the old one.
  // Leaves alone what has no native snapshot, what is not to be restored, and what is in the
  // cluster already.
  Status bring_back(Json& volume, std::stop_token stop);

  // A claim follows its volume to the new name.
  void follow_rename(Json& claim) const;

  // Says whether the PersistentVolume of this name could be created. A volume that was made for one
  // that could not is removed again; a problem with that is returned.
  Status settle(std::string_view volume_name, bool created);

  // Of the volumes that were created.
  std::vector<model::RestoreVolumeInfo> infos() const;

 private:
  struct Made {
    std::string location = {};
    std::string volume_id = {};
    model::RestoreVolumeInfo info = {};
    bool created = false;
  };

  Result<bool> must_rename(const Json& volume, std::stop_token stop) const;
  Result<bool> is_free(const std::string& name, std::stop_token stop) const;
  Status make(Json& volume, const model::NativeSnapshot& snapshot, std::stop_token stop);
  const model::NativeSnapshot* snapshot_of(std::string_view volume) const;

  const ActionContext& context_;
  const RestoreTools& tools_;
  const RestoreRunOptions& options_;
  SystemRng rng_;
  mutable Mutex mu_;
  std::map<std::string, std::string, std::less<>> renamed_ LATEEN_GUARDED_BY(mu_);  // old → new
  std::map<std::string, Made, std::less<>> made_ LATEEN_GUARDED_BY(mu_);            // by new name
};

}  // namespace lateen::restore
