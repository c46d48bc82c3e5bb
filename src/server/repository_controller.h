// BackupRepositories: made and opened on demand. repository_maintenance.h keeps them in order.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// Makes new ones Ready, and looks again at those that were not.
std::unique_ptr<Controller> make_repository_controller(const ServerContext& context);

}  // namespace lateen::server
