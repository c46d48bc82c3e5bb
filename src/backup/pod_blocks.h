// Pods that must be backed up together, because they share a volume: its snapshot is to be cut
// between the pre and the post hooks of all of them. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace lateen::backup {

using PodBlock = std::vector<Json>;

// The claim that one of a pod's volumes is of, as "namespace/claim"; "" if of none.
std::string claim_of(const Json& pod, const Json& volume);

// The claims that a pod mounts, as "namespace/claim".
std::vector<std::string> claims_of(const Json& pod);

// Groups by shared claims, keeping the pods' order within a block and the blocks' order by their
// first pod. The first `together` pods (those that a backup's order names) are one block in any
// case.
std::vector<PodBlock> group_by_claims(std::vector<Json> pods, std::size_t together = 0);

// The same by whatever `keys_of` says that pods share, besides their claims.
using PodKeys = std::function<std::vector<std::string>(const Json& pod)>;
std::vector<PodBlock> group_pods(std::vector<Json> pods,
                                 std::size_t together,
                                 const PodKeys& keys_of);

}  // namespace lateen::backup
