// The backups of a cluster for commands that look into many of them: their buckets are read from
// here, since a DownloadRequest for each would take a second each.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "assurance/object_history.h"
#include "assurance/object_lookup.h"
#include "base/random.h"
#include "base/result.h"
#include "base/temp.h"
#include "cli/session.h"
#include "kube/discovery.h"
#include "model/backup.h"
#include "server/local_context.h"

namespace lateen::cli {

// -n is the namespace of the object; Velero's is --velero-namespace. And --location, --schedule.
std::vector<FlagSpec> object_flags();
std::vector<FlagSpec> backup_choice_flags();

// "configmap/settings" with -n, "deploy/web", "configmaps/shop/settings", "clusterrole/reader".
struct NamedKind {
  assurance::ObjectName object = {};
  // Of the discovery; null for a kind that the cluster does not serve (any more), named in full.
  const kube::ResourceType* type = nullptr;
};

// InvalidArgument says what is missing, NotFound that the cluster serves no such kind.
Result<NamedKind> find_kind(const std::string& text,
                            const std::string& ns,
                            const kube::Discovery& discovery);

// A backup's objects where they lie, or brought here when it has no index. Movable.
struct OpenedBackup {
  TempDir scratch;
  archive::ArchiveReader reader;
};

// Not movable. Not thread-safe, but what it gives is.
class StoredBackups {
 public:
  // Lists the Backups; buckets are opened when they are asked for.
  static Result<std::unique_ptr<StoredBackups>> open(const Invocation& call);

  StoredBackups(Session session, const Invocation& call);
  StoredBackups(const StoredBackups&) = delete;
  StoredBackups& operator=(const StoredBackups&) = delete;

  Session& session() { return session_; }

  // That can be restored and that --location and --schedule choose, oldest first.
  const std::vector<model::Backup>& backups() const { return backups_; }

  // NotFound when the cluster knows none of that name.
  Result<const model::Backup*> find(const std::string& name) const;

  Result<objects::BackupStore*> store_of(const model::Backup& backup, std::stop_token stop);
  // By one listing of the bucket.
  Result<const assurance::ObjectLookup*> lookup_of(const model::Backup& backup,
                                                   std::stop_token stop);
  Result<const assurance::BackupFiles*> files_of(const model::Backup& backup, std::stop_token stop);

  Result<OpenedBackup> open_contents(const model::Backup& backup, std::stop_token stop);

 private:
  struct Bucket {
    std::unique_ptr<objects::BackupStore> store;
    std::unique_ptr<assurance::BackupFiles> files;
    std::unique_ptr<assurance::ObjectLookup> lookup;
  };

  Result<Bucket*> bucket_of(const model::Backup& backup, std::stop_token stop);
  Result<Bucket*> listed_bucket_of(const model::Backup& backup, std::stop_token stop);
  Status list(const Invocation& call);

  Session session_;
  SystemRng rng_;
  server::LocalContext local_;
  std::vector<model::Backup> backups_;
  std::map<std::string, Bucket, std::less<>> buckets_;  // by location
};

TimePoint time_of(const model::Backup& backup);

}  // namespace lateen::cli
