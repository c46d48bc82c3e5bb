// What a server that was killed left behind: brought to an end on the next start.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "server/context.h"

namespace lateen::server {

// Backups and Restores that are InProgress become Failed with Velero's reason. What such a backup
// has left in its bucket is removed, and so are the CSI snapshots that it had taken: it never
// becomes one that can be restored.
Status recover(const ServerContext& context, std::stop_token stop);

}  // namespace lateen::server
