// Narrows a plan by labels, and widens it by what the chosen objects need: a pod's claims, a
// claim's volume and snapshot, a snapshot's content. Reads objects from the tarball, and nothing
// else.
#pragma once

#include <stop_token>

#include "archive/archive_reader.h"
#include "base/result.h"
#include "kube/discovery.h"
#include "model/restore.h"
#include "restore/plan.h"

namespace lateen::restore {

// The plan with only those items whose stored labels the selectors of the spec match; without
// selectors as it is.
Result<RestorePlan> narrow_by_labels(RestorePlan plan,
                                     const model::RestoreSpec& spec,
                                     const archive::ArchiveReader& archive,
                                     std::stop_token stop);

// The plan with the objects that its pods, claims and snapshots lead to, where filters do not
// exclude them.
Result<RestorePlan> add_related(RestorePlan plan,
                                const model::RestoreSpec& spec,
                                const kube::Discovery& discovery,
                                const ResourcePriorities& priorities,
                                const archive::ArchiveReader& archive,
                                std::stop_token stop);

}  // namespace lateen::restore
