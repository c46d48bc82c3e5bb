// References out of the cluster, found in its objects: databases, buckets, roles and other things
// of a cloud that no backup of the cluster can hold. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "assurance/findings.h"
#include "base/bytes.h"
#include "base/json.h"

namespace lateen::assurance {

// Whether the object may hold any, by its bytes alone: most objects are not worth parsing.
bool may_refer_outside(std::string_view group_resource, BytesView json);

// Sorted, each once. Values of Secrets are looked into, and only host names, buckets and ARNs come
// out of them.
std::vector<OutsideReference> outside_references(std::string_view group_resource,
                                                 const Json& object);

// What a text refers to: `what` and `covered_by` with the target. For tests, and for `object`s that
// are none of Kubernetes'.
struct OutsideTarget {
  std::string_view what;
  std::string target;
  std::string_view covered_by;
};

std::vector<OutsideTarget> outside_targets(std::string_view text);

}  // namespace lateen::assurance
