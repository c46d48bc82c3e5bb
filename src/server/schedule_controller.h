// Makes a Backup of a Schedule's template whenever its cron line says so.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "model/backup.h"
#include "model/schedule.h"
#include "server/context.h"
#include "server/controller.h"

namespace lateen::server {

// When the next backup is due, from what the Schedule remembers: a backup that was missed (the
// server was away) is due at once, and several that were missed are one. Nothing if the line never
// comes again (February 30th).
Result<std::optional<TimePoint>> next_run(const model::Schedule& schedule);

// The Backup that a Schedule makes at this moment. Pure.
model::Backup backup_of(const model::Schedule& schedule, TimePoint now);

std::unique_ptr<Controller> make_schedule_controller(const ServerContext& context);

}  // namespace lateen::server
