// The flags that describe a backup, and the spec that they make: shared by `backup create` and
// `schedule create`.
#pragma once

#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "model/backup_spec.h"

namespace lateen::cli {

std::vector<FlagSpec> backup_spec_flags();

// InvalidArgument in Velero's words for what contradicts itself.
Result<model::BackupSpec> backup_spec_from(const Flags& flags);

}  // namespace lateen::cli
