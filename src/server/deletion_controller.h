// Carries out DeleteBackupRequests: the storage's snapshots, the bucket's files, the restores made
// from the backup, and at last the Backup.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

std::unique_ptr<Controller> make_deletion_controller(const ServerContext& context);

}  // namespace lateen::server
