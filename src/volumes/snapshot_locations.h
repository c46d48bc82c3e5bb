// The VolumeSnapshotLocations that one backup, restore or deletion works with, each opened when it
// is first needed and kept until the end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/thread.h"
#include "volumes/volume_snapshotter.h"

namespace lateen::volumes {

// Thread-safe.
class SnapshotLocations {
 public:
  using Open = std::function<Result<std::unique_ptr<VolumeSnapshotter>>(const std::string& location,
                                                                        std::stop_token stop)>;

  explicit SnapshotLocations(Open open) : open_(std::move(open)) {}

  SnapshotLocations(const SnapshotLocations&) = delete;
  SnapshotLocations& operator=(const SnapshotLocations&) = delete;

  // Never null, and there as long as this is. One that cannot be opened is not tried again: every
  // volume hears the same reason.
  Result<VolumeSnapshotter*> of(const std::string& location, std::stop_token stop);

 private:
  const Open open_;
  Mutex mu_;
  std::map<std::string, Result<std::unique_ptr<VolumeSnapshotter>>> opened_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::volumes
