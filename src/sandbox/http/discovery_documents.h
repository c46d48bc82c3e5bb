// Discovery: what /api, /apis and below answer, aggregated and plain, made from a registry.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "sandbox/api/registry.h"

namespace lateen::sandbox {

// APIGroupDiscoveryList of /api (`core`) or of /apis. `version` is "v2" or "v2beta1".
Bytes aggregated_discovery(const Registry& registry, bool core, std::string_view version);

Bytes api_versions(std::string_view server_address);  // /api
Bytes api_group_list(const Registry& registry);       // /apis
Bytes api_group(const ServedGroup& group);            // /apis/<group>
Bytes api_resource_list(const ServedGroup& group,
                        const ServedVersion& version);  // /apis/<group>/<version>

}  // namespace lateen::sandbox
