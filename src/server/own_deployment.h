// The Deployment that this server runs from: what else it starts (a helper in pods, Jobs) is made
// after it.
#pragma once

#include <optional>
#include <stop_token>

#include "base/json.h"
#include "base/result.h"
#include "server/context.h"

namespace lateen::server {

// Nothing where there is none: a server that was started by hand.
Result<std::optional<Json>> own_deployment(const ServerContext& context, std::stop_token stop);

}  // namespace lateen::server
