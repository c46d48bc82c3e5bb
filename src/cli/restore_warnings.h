// What a restore would miss in this cluster, and who would race it: from the objects that the plan
// would bring back.
#pragma once

#include <vector>

#include "archive/archive_reader.h"
#include "assurance/findings.h"
#include "cli/session.h"
#include "model/volume_info.h"
#include "restore/plan.h"

namespace lateen::cli {

// Sorted. Asks the cluster for what the backup does not bring along.
Result<std::vector<assurance::PlanWarning>> restore_warnings(
    const restore::RestorePlan& plan,
    const archive::ArchiveReader& archive,
    const std::vector<model::BackupVolumeInfo>& volumes,
    const Session& session,
    std::stop_token stop);

}  // namespace lateen::cli
