// Looks whether backup storage locations can be used, and keeps at most one default.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

std::unique_ptr<Controller> make_location_controller(const ServerContext& context);

}  // namespace lateen::server
