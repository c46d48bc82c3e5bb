// Makes a Backup of a Schedule's template whenever its cron line says so (schedule_decision.h).
#pragma once

#include <memory>

#include "server/context.h"
#include "server/controller.h"
#include "server/schedule_decision.h"

namespace lateen::server {

std::unique_ptr<Controller> make_schedule_controller(const ServerContext& context);

}  // namespace lateen::server
