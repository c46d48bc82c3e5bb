// Keeps the cluster and the buckets in step: expired backups are deleted, and backups that another
// cluster made appear here.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// gc: a Backup past status.expiration gets a DeleteBackupRequest. It acts on that time, fixed when
// the backup started: editing spec.ttl later has no effect, as in Velero. Backups of a Schedule
// with a retention (retention.h) go by that instead.
std::unique_ptr<Controller> make_gc_controller(const ServerContext& context);

// backup-sync: what is finished in a bucket and not in the cluster is created here; what is gone
// from the bucket goes here too.
std::unique_ptr<Controller> make_sync_controller(const ServerContext& context);

}  // namespace lateen::server
