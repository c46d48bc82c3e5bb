// What a backup that came to nothing leaves in the cluster, and how it goes.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/backup.h"
#include "model/native_snapshot.h"
#include "server/context.h"

namespace lateen::server {

// Deletes the VolumeSnapshots that carry the backup's label, and with them the storage's snapshots.
// Only for a backup of which nothing is in its bucket: these snapshots are all of its data. Gives
// what could not be deleted, and why.
model::StringList discard_snapshots(const model::Backup& backup,
                                    const ServerContext& context,
                                    std::stop_token stop);

// What node agents have copied for a backup that came to nothing: they are told to end it, its
// snapshots are forgotten in their repositories, and its PodVolumeBackups and DataUploads deleted.
// Unavailable while an agent has not ended; past `patience` it is not waited for.
Status remove_copies(const model::Backup& backup,
                     const ServerContext& context,
                     const Log& log,
                     Deadline patience,
                     std::stop_token stop);

// The native snapshots of a backup in the making. They are noted in its bucket as they are taken,
// so that a server that dies leaves a trace of them; the backup's own document takes its place
// later. Not thread-safe.
class SnapshotJournal {
 public:
  // `store` must outlive it.
  SnapshotJournal(objects::BackupStore& store, std::string backup)
      : store_(store), backup_(std::move(backup)) {}

  Status note(const std::vector<model::NativeSnapshot>& all, std::stop_token stop);

  const std::vector<model::NativeSnapshot>& all() const { return all_; }

 private:
  objects::BackupStore& store_;
  const std::string backup_;
  std::vector<model::NativeSnapshot> all_;
};

// Deletes the storage's snapshots; gives what could not be deleted, and why.
model::StringList delete_native_snapshots(const std::vector<model::NativeSnapshot>& snapshots,
                                          const ServerContext& context,
                                          const Log& log,
                                          std::stop_token stop);

// Removes the files of a backup that is not complete, and before them the native snapshots that a
// journal among them names. While one cannot be deleted its files stay.
Status remove_unfinished(const std::string& backup,
                         objects::BackupStore& store,
                         const ServerContext& context,
                         const Log& log,
                         std::stop_token stop);

}  // namespace lateen::server
