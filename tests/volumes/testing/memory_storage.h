// A storage of volumes and snapshots in memory, and its snapshotter: what natively snapshotted
// volumes are tested with. Its volumes are named as EBS' are.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/thread.h"
#include "volumes/ebs/ebs_volume_id.h"
#include "volumes/snapshotter_factory.h"

namespace lateen::volumes::testing {

struct MemoryVolume {
  StoredVolumeInfo info = {};
  std::string az = {};
  std::string data = {};
  model::StringMap tags = {};
};

struct MemorySnapshot {
  std::string volume_id = {};
  MemoryVolume volume = {};
  model::StringMap tags = {};
};

// Thread-safe but for what tests look at directly.
class MemoryStorage {
 public:
  std::map<std::string, MemoryVolume> volumes;
  std::map<std::string, MemorySnapshot> snapshots;
  // Called before a snapshot is made or deleted, with "create" or "delete" and the id; what it
  // returns is the storage's answer.
  std::function<Status(std::string_view what, std::string_view id)> before =
      [](std::string_view, std::string_view) { return Status(); };

  bool loses_answers = false;  // to the creation of snapshots, which are made all the same

  void add_to(SnapshotterFactory& factory, std::string_view provider);

  Result<std::string> restore(const VolumeRequest& request) {
    const Lock lock(mu_);
    const auto snapshot = snapshots.find(request.snapshot_id);
    if (snapshot == snapshots.end()) {
      return Error(Code::NotFound, "no snapshot {}", request.snapshot_id);
    }
    const std::string id = next("vol-new-");
    volumes[id] = {.info = request.info,
                   .az = request.az,
                   .data = snapshot->second.volume.data,
                   .tags = request.tags};
    return id;
  }

  Result<StoredVolumeInfo> info(std::string_view id) {
    const Lock lock(mu_);
    const auto volume = volumes.find(std::string(id));
    if (volume == volumes.end()) return Error(Code::NotFound, "no volume {}", id);
    return volume->second.info;
  }

  Result<std::string> snapshot(std::string_view volume_id, const model::StringMap& tags) {
    TRY(before("create", volume_id));
    const Lock lock(mu_);
    const auto volume = volumes.find(std::string(volume_id));
    if (volume == volumes.end()) return Error(Code::NotFound, "no volume {}", volume_id);
    const std::string id = next("snap-");
    snapshots[id] = {.volume_id = volume->first, .volume = volume->second, .tags = tags};
    if (loses_answers) return Error(Code::Unavailable, "connection reset");
    return id;
  }

  std::vector<std::string> find(std::string_view volume_id, const model::StringMap& tags) {
    const Lock lock(mu_);
    std::vector<std::string> ids;
    for (const auto& [id, snapshot] : snapshots) {
      if (snapshot.volume_id == volume_id &&
          std::includes(snapshot.tags.begin(), snapshot.tags.end(), tags.begin(), tags.end())) {
        ids.push_back(id);
      }
    }
    return ids;
  }

  Status drop_snapshot(std::string_view id) {
    TRY(before("delete", id));
    const Lock lock(mu_);
    snapshots.erase(std::string(id));
    return {};
  }

  Status drop_volume(std::string_view id) {
    const Lock lock(mu_);
    volumes.erase(std::string(id));
    return {};
  }

 private:
  std::string next(std::string_view prefix) LATEEN_REQUIRES(mu_) {
    return fmt::format("{}{}", prefix, ++count_);
  }

  Mutex mu_;
  int count_ LATEEN_GUARDED_BY(mu_) = 0;
};

class MemorySnapshotter final : public VolumeSnapshotter {
 public:
  explicit MemorySnapshotter(MemoryStorage& storage) : storage_(storage) {}

  Result<std::string> create_volume_from_snapshot(const VolumeRequest& request,
                                                  std::stop_token) override {
    return storage_.restore(request);
  }

  Result<StoredVolumeInfo> volume_info(std::string_view id,
                                       std::string_view,
                                       std::stop_token) override {
    return storage_.info(id);
  }

  Result<std::string> create_snapshot(std::string_view id,
                                      std::string_view,
                                      const model::StringMap& tags,
                                      std::stop_token) override {
    return storage_.snapshot(id, tags);
  }

  Result<std::vector<std::string>> find_snapshots(std::string_view volume_id,
                                                  const model::StringMap& tags,
                                                  TimePoint,
                                                  std::stop_token) override {
    return storage_.find(volume_id, tags);
  }

  Status delete_snapshot(std::string_view id, std::stop_token) override {
    return storage_.drop_snapshot(id);
  }

  Status delete_volume(std::string_view id, std::stop_token) override {
    return storage_.drop_volume(id);
  }

  Result<std::string> volume_id_of(const Json& volume) override {
    return ebs::volume_id_of(volume);
  }

  Result<Json> set_volume_id(const Json& volume, std::string_view id) override {
    return ebs::with_volume_id(volume, id);
  }

 private:
  MemoryStorage& storage_;
};

inline void MemoryStorage::add_to(SnapshotterFactory& factory, std::string_view provider) {
  factory.add(provider,
              [this](const SnapshotterOptions&) -> Result<std::unique_ptr<VolumeSnapshotter>> {
                return std::make_unique<MemorySnapshotter>(*this);
              });
}

}  // namespace lateen::volumes::testing
