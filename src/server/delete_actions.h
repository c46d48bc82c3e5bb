// Plugins' DeleteItemActions, run over what a backup holds before it is deleted.
#pragma once

#include <stop_token>

#include "archive/archive_reader.h"
#include "base/log.h"
#include "base/result.h"
#include "model/backup.h"
#include "server/context.h"

namespace lateen::server {

// As in Velero, what an action cannot do with one object is an error in the log, and the deletion
// goes on; an action that cannot be asked at all is an Error.
Status run_delete_actions(const model::Backup& backup,
                          const archive::ArchiveReader& reader,
                          const ServerContext& context,
                          const Log& log,
                          std::stop_token stop);

}  // namespace lateen::server
