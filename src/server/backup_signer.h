// Signs backups when they are complete, and remembers which ones: a ConfigMap for each location,
// the ledger, against which the bucket is held. A backup that the server deletes leaves the ledger
// first.
#pragma once

#include <stop_token>
#include <string_view>

#include "assurance/manifest.h"
#include "base/result.h"
#include "model/backup.h"
#include "objects/backup_store.h"
#include "server/context.h"

namespace lateen::server {

// Writes the manifest of a backup that is about to get its last velero-backup.json, which is what
// `backup` says, and enters it in the ledger. Written again, it replaces what was.
Status sign_backup(const model::Backup& backup,
                   const ServerContext& context,
                   objects::BackupStore& store,
                   std::stop_token stop);

// Empty when there is none, or when the location was pointed at another bucket since.
Result<assurance::SignedBackups> read_ledger(const ServerContext& context,
                                             std::string_view location,
                                             std::stop_token stop);

// The server is about to delete it, or somebody accepts that it is gone. What is not there is fine.
Status forget_signed(const ServerContext& context,
                     std::string_view location,
                     std::string_view backup,
                     std::stop_token stop);

}  // namespace lateen::server
