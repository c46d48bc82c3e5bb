// The life of a Restore, and what is left to do when one is deleted.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// restore: "" and New → FailedValidation, or InProgress and through Finalizing to its end. A
// Restore that is being deleted loses its files in the bucket, and then its finalizer.
std::unique_ptr<Controller> make_restore_controller(const ServerContext& context);

}  // namespace lateen::server
