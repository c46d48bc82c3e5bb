// Reads once, before a restore, what its actions look at: in the cluster ConfigMaps that configure
// them and snapshot classes, in the backup what became of its volumes.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "restore/action.h"
#include "restore/run.h"

namespace lateen::restore {

Status read_surroundings(ActionContext& context,
                         const archive::ArchiveReader& archive,
                         const RestoreTools& tools,
                         const RestoreRunOptions& options,
                         std::stop_token stop);

}  // namespace lateen::restore
