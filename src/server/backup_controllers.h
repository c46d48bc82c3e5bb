// The life of a Backup: queued, run, waited for, finalized. Four controllers, each of which reads
// the Backups that are in its phases and moves them on.
#pragma once

#include <memory>
#include <vector>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// "" and New → Queued with a position; those that may run → ReadyToStart.
std::unique_ptr<Controller> make_backup_queue_controller(const ServerContext& context);

// ReadyToStart → FailedValidation, or InProgress and then what run_backup_to_upload says. One runs
// one backup at a time; several of these may be at work beside each other, for who writes
// InProgress first has the Backup.
std::unique_ptr<Controller> make_backup_controller(const ServerContext& context);

// Waiting* → Finalizing*, when the operations have ended.
std::unique_ptr<Controller> make_backup_operations_controller(const ServerContext& context);

// Finalizing* → Completed or PartiallyFailed.
std::unique_ptr<Controller> make_backup_finalizer_controller(const ServerContext& context);

}  // namespace lateen::server
