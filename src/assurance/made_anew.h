// What a cluster makes again by itself, so that nobody misses it in a backup. Pure.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::assurance {

// Of a kind: "v1/Event", "apps/v1/ReplicaSet"; not those of which only some objects are.
bool is_made_anew_kind(std::string_view kind);

// Of one object: what a controller made of a template (a Deployment's pods), and what comes with
// every namespace. A controller's custom resources are not: Kubernetes knows nothing of them.
bool is_made_anew(std::string_view group_resource, const Json& object);

}  // namespace lateen::assurance
