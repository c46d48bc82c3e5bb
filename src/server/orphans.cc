#include "server/orphans.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "model/native_snapshot.h"

namespace lateen::server {
namespace {

// Longer than any backup is written for.
constexpr std::chrono::hours kSurelyLeft{24};

// In the storage, as the folder's journal names them; those that were begun only by their volume.
model::StringList snapshots_noted(const std::string& backup,
                                  objects::BackupStore& store,
                                  std::stop_token stop) {
  model::StringList ids;
  const auto noted = store.get_volume_snapshots(backup, std::move(stop));
  if (!noted) return ids;  // there is none, or half of one
  for (const model::NativeSnapshot& snapshot : *noted) {
    const std::string& id = snapshot.status.provider_snapshot_id;
    ids.push_back(id.empty() ? "of volume " + snapshot.spec.provider_volume_id : id);
  }
  return ids;
}

}  // namespace

void OrphanReport::look_at(const std::string& backup,
                           const std::string& location,
                           objects::BackupStore& store,
                           const ServerContext& context,
                           std::stop_token stop) {
  if (told_.count(location + "/" + backup) > 0) return;
  const std::string folder = store.layout().backup_dir(backup);
  const auto objects = objects::list_all(store.objects(), folder, 100'000, stop);
  if (!objects || objects->empty()) return;  // looked at again with the next sync
  TimePoint latest;
  ByteCount bytes = 0;
  for (const objects::ObjectInfo& object : *objects) {
    if (!object.size_known) return;  // then its time is not known either
    latest = std::max(latest, object.modified);
    bytes += object.size;
  }
  if (context.clock.now() < latest + kSurelyLeft) return;
  told_.insert(location + "/" + backup);
  context.log.warning(
      "A folder of the bucket is of no backup: an unfinished one of a Backup that was deleted, or "
      "of another cluster; if you know of none, delete the folder and its snapshots",
      {{"backupLocation", location},
       {"folder", folder},
       {"objects", objects->size()},
       {"bytes", bytes},
       {"snapshots", fmt::format("{}", fmt::join(snapshots_noted(backup, store, stop), ", "))}});
}

}  // namespace lateen::server
