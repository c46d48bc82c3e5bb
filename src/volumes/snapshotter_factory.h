// Providers of native snapshots by name: built-in ones and plugins register alike, as object stores
// do (objects/store_factory.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/object_meta.h"
#include "volumes/volume_snapshotter.h"

namespace lateen::volumes {

// All that a provider needs to reach its storage.
struct SnapshotterOptions {
  std::string provider = {};
  model::StringMap config = {};  // spec.config of the VolumeSnapshotLocation
  Secret credential = {};  // the content of the credentials file; empty: the provider's own chain
  Log log = {};            // a plugin's own lines go here
};

// Thread-safe once filled.
class SnapshotterFactory {
 public:
  using Open = std::function<Result<std::unique_ptr<VolumeSnapshotter>>(const SnapshotterOptions&)>;

  // A name without a slash also answers to "velero.io/<name>", as in Velero. The later of two wins.
  void add(std::string_view provider, Open open);

  bool has(std::string_view provider) const;

  // Unsupported, naming the known ones, for a provider that nobody added.
  Result<std::unique_ptr<VolumeSnapshotter>> open(const SnapshotterOptions& options) const;

 private:
  std::map<std::string, Open, std::less<>> by_provider_;
};

}  // namespace lateen::volumes
