// Drills without a RestoreDrill: the CronJob for clusters with Velero itself, and the fire drill
// that destroys a namespace first.
#pragma once

#include "cli/command.h"

namespace lateen::cli {

Command export_cronjob_command();
Command destroy_and_restore_command();

}  // namespace lateen::cli
