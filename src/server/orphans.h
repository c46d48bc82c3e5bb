// What lies in a bucket below backups/ and is no backup: a writer's that died, or half deleted.
// It is told of and not removed, for another cluster may share the bucket, and its writer may come
// back. What is surely this cluster's goes by itself: with the next run of its Backup (recovery.h),
// or with its DeleteBackupRequest.
#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "server/context.h"

namespace lateen::server {

// Not thread-safe.
class OrphanReport {
 public:
  // A folder without velero-backup.json, of which the cluster knows no Backup. Tells once of each
  // that nobody has written to for a day, with the snapshots that it speaks of.
  void look_at(const std::string& backup,
               const std::string& location,
               objects::BackupStore& store,
               const ServerContext& context,
               std::stop_token stop);

 private:
  std::set<std::string> told_;
};

}  // namespace lateen::server
