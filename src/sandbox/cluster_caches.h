// All that the node and its controllers follow, one cache a resource.
#pragma once

#include <array>

#include "sandbox/object_cache.h"
#include "sandbox/resource_names.h"

namespace lateen::sandbox {

// Thread-safe. Threads: one a cache.
class ClusterCaches {
 public:
  ClusterCaches(Api& api, const Log& log);

  void start();
  void stop();
  bool wait_synced(Deadline deadline, std::stop_token stop);

  ObjectCache pods;
  ObjectCache nodes;
  ObjectCache namespaces;
  ObjectCache services;
  ObjectCache endpoints;
  ObjectCache endpoint_slices;
  ObjectCache service_accounts;
  ObjectCache volumes;
  ObjectCache claims;
  ObjectCache storage_classes;
  ObjectCache deployments;
  ObjectCache replica_sets;
  ObjectCache stateful_sets;
  ObjectCache daemon_sets;
  ObjectCache revisions;
  ObjectCache jobs;
  ObjectCache cron_jobs;
  ObjectCache budgets;
  ObjectCache quotas;
  ObjectCache snapshots;
  ObjectCache snapshot_contents;
  ObjectCache snapshot_classes;

 private:
  std::array<ObjectCache*, 22> all();
};

}  // namespace lateen::sandbox
