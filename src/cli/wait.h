// --wait: dots while a backup or restore goes on, and what became of it.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "cli/session.h"
#include "model/backup.h"
#include "model/restore.h"

namespace lateen::cli {

// Prints Velero's sentences and a dot a second until the object has ended. The exit code says how:
// 0 Completed, 2 Failed or FailedValidation, 3 PartiallyFailed; under Velero's name always 0, as
// there. Interrupted: 130.
Result<int> wait_for_backup(const Session& session, const std::string& name, Invocation& call);
Result<int> wait_for_restore(const Session& session, const std::string& name, Invocation& call);

}  // namespace lateen::cli
