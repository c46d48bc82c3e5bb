// --wait: how a backup or restore goes on, and what became of it.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "cli/session.h"
#include "model/backup.h"
#include "model/restore.h"

namespace lateen::cli {

// Prints Velero's sentences, and until the object has ended a dot a second, or on a terminal a line
// that says how far it is. The exit code says how it ended (exit_codes.h); under Velero's name it
// is always 0, as there.
Result<int> wait_for_backup(const Session& session, const std::string& name, Invocation& call);
Result<int> wait_for_restore(const Session& session, const std::string& name, Invocation& call);

// --wait and --timeout.
std::vector<FlagSpec> wait_flags();

}  // namespace lateen::cli
