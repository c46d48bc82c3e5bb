// The downward API: what a pod may learn of itself (fieldRef, resourceFieldRef).
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace lateen::sandbox {

// Where the pod runs and how it is reached; it is in the pod's status later than containers need
// it.
struct PodAddress {
  std::string pod_ip;
  std::string host_ip;
};

// "metadata.name", "metadata.labels['app']", "status.podIP", ...: InvalidArgument for any other.
Result<std::string> pod_field(const Json& pod, std::string_view path, const PodAddress& address);

// All labels or annotations as a downward API volume writes them: key="value" a line, sorted.
std::string pod_map_text(const JsonObject* map);

// "limits.memory" of `container` divided by `divisor` ("" is 1), rounded up; the node's whole where
// nothing is asked.
Result<std::string> container_resource(const Json& container,
                                       std::string_view resource,
                                       std::string_view divisor);

}  // namespace lateen::sandbox
