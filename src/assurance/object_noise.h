// What of an object is not what people made it: left out before two versions are compared. Pure.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::assurance {

// Without status, identity, managed fields and owners (as a restore strips them), without the
// annotations in which kubectl keeps a copy of all and the cluster counts a Deployment's rollouts,
// and without the labels of a restore.
Json without_noise(Json object);

// Kinds whose objects come and go by themselves: Events, Leases, Endpoints.
bool is_volatile_kind(std::string_view group_resource);

// Made by a controller of another object, which makes it again: the pods of a ReplicaSet.
bool is_made_by_controller(const Json& object);

}  // namespace lateen::assurance
