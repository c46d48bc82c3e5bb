// BackupRepositories: made and opened on demand, and kept in order.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// Makes new ones Ready, and looks again at those that were not.
std::unique_ptr<Controller> make_repository_controller(const ServerContext& context);

// Runs the maintenance that is due, one repository after the other, each under a Lease.
std::unique_ptr<Controller> make_maintenance_controller(const ServerContext& context);

}  // namespace lateen::server
