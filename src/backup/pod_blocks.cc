#include "backup/pod_blocks.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "kube/object.h"

namespace lateen::backup {
namespace {

// Disjoint sets of pods, each known by its smallest member.
std::size_t find_root(std::vector<std::size_t>& parent, std::size_t i) {
  while (parent[i] != i) {
    parent[i] = parent[parent[i]];
    i = parent[i];
  }
  return i;
}

}  // namespace

std::string claim_of(const Json& pod, const Json& volume) {
  std::string claim(string_at(volume, "persistentVolumeClaim.claimName"));
  // A generic ephemeral volume's claim is named after its pod and the volume.
  if (claim.empty() && find(volume, "ephemeral") != nullptr) {
    claim = fmt::format("{}-{}", kube::name_of(pod), string_at(volume, "name"));
  }
  return claim.empty() ? claim : kube::object_key(kube::namespace_of(pod), claim);
}

std::vector<std::string> claims_of(const Json& pod) {
  std::vector<std::string> claims;
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return claims;
  for (const Json& volume : *volumes) {
    std::string claim = claim_of(pod, volume);
    if (!claim.empty()) claims.push_back(std::move(claim));
  }
  return claims;
}

std::vector<PodBlock> group_by_claims(std::vector<Json> pods, std::size_t together) {
  return group_pods(std::move(pods), together,
                    [](const Json&) { return std::vector<std::string>(); });
}

std::vector<PodBlock> group_pods(std::vector<Json> pods,
                                 std::size_t together,
                                 const PodKeys& keys_of) {
  std::vector<std::size_t> parent(pods.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  for (std::size_t i = 0; i < std::min(together, pods.size()); ++i)
    parent[i] = 0;
  std::map<std::string, std::size_t> first_with;  // by claim or other key
  for (std::size_t i = 0; i < pods.size(); ++i) {
    std::vector<std::string> keys = claims_of(pods[i]);
    std::vector<std::string> further = keys_of(pods[i]);
    std::move(further.begin(), further.end(), std::back_inserter(keys));
    for (std::string& key : keys) {
      const auto [at, is_first] = first_with.emplace(std::move(key), i);
      if (is_first) continue;
      const std::size_t a = find_root(parent, at->second);
      const std::size_t b = find_root(parent, i);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<PodBlock> blocks;
  std::map<std::size_t, std::size_t> block_of_root;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    const std::size_t root = find_root(parent, i);
    const auto [at, is_new] = block_of_root.emplace(root, blocks.size());
    if (is_new) blocks.emplace_back();
    blocks[at->second].push_back(std::move(pods[i]));
  }
  return blocks;
}

}  // namespace lateen::backup
