// What an object uses of a ResourceQuota, as quota's evaluators count it: pods and their requests,
// claims and their sizes, services and their ports, and any kind by its number. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/quantity.h"

namespace lateen::sandbox {

// By quota's names: "pods", "requests.memory", "count/deployments.apps".
using Usage = std::map<std::string, Quantity, std::less<>>;

// Of one object. A pod that has ended uses nothing but its number.
Usage usage_of(std::string_view group, std::string_view resource, const Json& object);

// spec.hard of a ResourceQuota; nothing of one that has scopes, which are not evaluated.
Usage limits_of(const Json& quota);

// The kinds whose objects count for this name, in the store's terms ("pods", "apps/deployments");
// "" for a name that nothing counts for.
std::string storage_key_of_limit(std::string_view limit);

// Adds what `more` holds of the names in `limits`.
void add_limited(Usage& sum, const Usage& more, const Usage& limits);

// "pods=1,requests.cpu=500m"
std::string usage_text(const Usage& usage);

}  // namespace lateen::sandbox
