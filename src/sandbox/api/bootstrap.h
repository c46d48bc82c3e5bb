// The objects that a cluster has before anyone makes any: namespaces, the node, classes, roles, the
// `kubernetes` Service.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "sandbox/api/api.h"

namespace lateen::sandbox {

// Creates what is missing, leaves what is there. `port`: where the API server listens on 127.0.0.1
// this time, for the endpoints of the Service `kubernetes`.
Status ensure_initial_objects(Api& api, std::uint16_t port);

}  // namespace lateen::sandbox
