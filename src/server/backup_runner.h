// One backup from its start to its upload, and from its last operation to its end.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "model/backup.h"
#include "server/context.h"

namespace lateen::server {

// Collects and uploads a Backup that is InProgress. Gives the Backup with the phase that follows:
// Failed with a failureReason when the whole is lost (nothing of it is left in the bucket then),
// else WaitingForPluginOperations or Finalizing, each PartiallyFailed if something went wrong with
// single objects. Canceled when the server stops: the Backup is then still InProgress, and the next
// start marks it.
Result<model::Backup> run_backup_to_upload(const model::Backup& backup,
                                           const ServerContext& context,
                                           std::stop_token stop);

// Asks the operations of a waiting Backup how far they are. Gives the Backup with new counts, and
// in a Finalizing phase when none is running any more. What changed is in the bucket before this
// returns.
Result<model::Backup> poll_backup(const model::Backup& backup,
                                  const ServerContext& context,
                                  std::stop_token stop);

// Ends a Finalizing Backup: stores again what operations have changed, and then velero-backup.json
// with the terminal phase. Gives that Backup.
Result<model::Backup> finalize_backup(const model::Backup& backup,
                                      const ServerContext& context,
                                      std::stop_token stop);

}  // namespace lateen::server
