// What a server that died, or had to stop, left unfinished: begun anew by the next one.
#pragma once

#include <memory>
#include <stop_token>

#include "base/result.h"
#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// After so many runs that were cut short, a Backup or Restore is taken to be what ends the server,
// and is Failed.
inline constexpr std::int64_t kMaxRestarts = 4;

// Looks for Backups and Restores that are InProgress: nobody works on them yet. A Backup whose
// upload had come to its end goes on from there. Of any other, what it has left is removed first
// (files in the bucket, snapshots, copies by node agents), and then it begins anew. A Restore
// begins anew with what it had made (model/restarts.h). What cannot be done at once, since a bucket
// does not answer or a node agent is at work, is tried again by the controller that is returned.
Result<std::unique_ptr<Controller>> begin_recovery(const ServerContext& context,
                                                   std::stop_token stop);

}  // namespace lateen::server
