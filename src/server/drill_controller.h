// restore-drill: RestoreDrills are run when their cron line or their annotation says so; what a
// former server left of one is removed. docs/how-to/drills.md.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// False where the kind is not installed: then nothing is drilled.
bool serves_drills(const ServerContext& context, std::stop_token stop);

std::unique_ptr<Controller> make_drill_controller(const ServerContext& context);

}  // namespace lateen::server
