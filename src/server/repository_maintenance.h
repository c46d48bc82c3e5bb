// Repositories are kept in order: what is due runs as a Job of the server's image, or in the server
// where there is nothing to make one of. Either way under the Lease maintenance-<repository>, which
// ends the work of one that lost it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/backup_repository.h"
#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// Does what is due, and says what was done in the log. Conflict while somebody else is at it.
Status maintain_repository(const ServerContext& context,
                           const model::BackupRepository& repository,
                           const Log& log,
                           std::stop_token stop);

std::unique_ptr<Controller> make_maintenance_controller(const ServerContext& context);

}  // namespace lateen::server
