// The node agents' ConfigMap: how much is done at once on which node, and how the data mover makes
// its volumes.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/selector.h"

namespace lateen::agent {

struct NodeConcurrency {
  Json selector;  // of nodes
  std::size_t number = 1;
};

// How the temporary claim of a snapshot is made, by the storage class of the source.
struct BackupClaimSettings {
  std::string storage_class = {};  // empty: the source's own
  bool read_only = false;
  bool no_relabeling = false;  // spcNoRelabeling: SELinux does not walk a read-only volume
  std::map<std::string, std::string> annotations = {};
};

// A volume of its own for what a restoring pod keeps of the repository (`cachePVC`): nothing of
// that is then on the node's disk.
struct CacheClaimSettings {
  std::string storage_class = {};
  ByteCount resident_threshold = 0;  // volumes with less data go without
  ByteCount limit = 5000_MiB;        // what is kept; by the repositories' ConfigMap

  // Of the claim for a volume with this much data (0: not known); 0: none.
  ByteCount size_for(ByteCount data) const;
};

// A key that changes nothing here, and why that is so.
struct IdleKey {
  std::string key = {};
  std::string why = {};
};

// On which nodes the data mover's pods may run.
struct LoadAffinity {
  Json selector = {};              // of nodes
  std::string storage_class = {};  // of the claim; empty: of all that have no entry of their own
};

struct AgentSettings {
  std::size_t global_concurrency = 1;
  std::vector<NodeConcurrency> per_node = {};
  std::map<std::string, BackupClaimSettings, std::less<>> backup_claims = {};
  bool ignore_delay_binding = false;  // restorePVC
  std::vector<LoadAffinity> load_affinity = {};
  // How many DataUploads and DataDownloads may be on their way to a node at once; 0: all.
  std::size_t prepare_queue_length = 0;
  std::optional<CacheClaimSettings> cache_claim = {};
  std::string priority_class = {};
  Json pod_resources = {};  // of a data mover's container: requests and limits; null: none
  std::map<std::string, std::string> pod_labels = {};
  std::map<std::string, std::string> pod_annotations = {};
  Json limits = {};                // the key "lateen", for LimitPlan
  std::vector<IdleKey> idle = {};  // those that were given

  // Of the ConfigMap's one value, JSON. InvalidArgument names the key.
  static Result<AgentSettings> parse(const Json& config_map);

  // For a node with these labels: the least of those that match it, else the global number.
  std::size_t concurrency(const kube::Labels& node) const;

  // Null: any node.
  const LoadAffinity* affinity_of(std::string_view storage_class) const;
};

}  // namespace lateen::agent
