// The node agents' ConfigMap: how much is done at once on which node, and how the data mover makes
// its volumes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

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
  std::map<std::string, std::string> annotations = {};
};

struct AgentSettings {
  std::size_t global_concurrency = 1;
  std::vector<NodeConcurrency> per_node = {};
  std::map<std::string, BackupClaimSettings, std::less<>> backup_claims = {};
  bool ignore_delay_binding = false;             // restorePVC
  std::vector<std::string> without_effect = {};  // keys that were given and change nothing here

  // Of the ConfigMap's one value, JSON. InvalidArgument names the key.
  static Result<AgentSettings> parse(const Json& config_map);

  // For a node with these labels: the least of those that match it, else the global number.
  std::size_t concurrency(const kube::Labels& node) const;
};

}  // namespace lateen::agent
