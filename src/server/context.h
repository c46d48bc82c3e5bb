// What the controllers share. Built once by run_server, before any of them starts.
#pragma once

#include <memory>
#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/trace.h"
#include "kube/client.h"
#include "model/locations.h"
#include "objects/backup_store.h"
#include "objects/store_factory.h"
#include "server/cluster.h"
#include "server/config.h"
#include "volumes/snapshot_locations.h"
#include "volumes/snapshotter_factory.h"

namespace lateen::server {

class Announcer;
class Metrics;
class Notifier;
class RestoreRights;
class ServerPlugins;

struct ServerContext {
  const ServerConfig& config;
  Cluster cluster;
  const Clock& clock;
  Rng& rng;
  Log log;
  const objects::StoreFactory& stores;
  const volumes::SnapshotterFactory& snapshotters;
  Metrics& metrics;
  const ServerPlugins* plugins = nullptr;   // null: none
  Notifier* notifier = nullptr;             // null: nobody outside is told
  Announcer* announcer = nullptr;           // null: nobody is told
  RestoreRights* restore_rights = nullptr;  // null: the server always has them
  Tracer tracer = {};                       // off, unless a collector is named

  kube::Client& client() const { return cluster.client(); }
};

// The open bucket of a location, with its credential read from the Secret that it names. NotFound
// when there is no such location.
Result<std::unique_ptr<objects::BackupStore>> open_store(const ServerContext& context,
                                                         std::string_view location,
                                                         std::stop_token stop);
Result<std::unique_ptr<objects::BackupStore>> open_store(
    const ServerContext& context,
    const model::BackupStorageLocation& location,
    std::stop_token stop);

// The same, refused with the reason when the location is not Available, or when it is ReadOnly and
// would be written.
enum class Access { Read, Write };
Result<std::unique_ptr<objects::BackupStore>> open_available_store(const ServerContext& context,
                                                                   std::string_view location,
                                                                   Access access,
                                                                   std::stop_token stop);

// The bucket of a location by itself, for what lies in it beside backups.
struct LocationBucket {
  std::unique_ptr<objects::ObjectStore> store;
  std::string prefix;
};

Result<LocationBucket> open_bucket(const ServerContext& context,
                                   const model::BackupStorageLocation& location,
                                   std::stop_token stop);

// The VolumeSnapshotLocations of this namespace, each opened with its credential when a volume
// needs it. `log` is where a plugin's own lines go. The context must outlive it.
volumes::SnapshotLocations snapshot_locations(const ServerContext& context, const Log& log);

}  // namespace lateen::server
