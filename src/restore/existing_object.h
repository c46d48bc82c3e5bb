// What a restore does about an object that is in the cluster already. Pure: whoever restores and
// whoever only asks what would happen decide by it.
#pragma once

#include <string>

#include "base/json.h"
#include "model/restore.h"
#include "restore/item_bringer.h"

namespace lateen::restore {

enum class Treatment {
  Leave,           // it is the same
  Relabel,         // it is the same, and gets this restore's labels (policies that change things)
  LeaveToCluster,  // it differs, and a controller keeps it as it should be here
  Refuse,          // it differs and stays: a warning
  Merge,           // a ServiceAccount gets what it lacks
  Update,          // a merge patch
  Recreate,        // deleted and created
  Apply,           // server-side apply
};

struct ExistingDecision {
  Treatment treatment = Treatment::Leave;
  Json patch = {};  // of Relabel, Merge and Update: a merge patch, never empty
};

ExistingDecision decide_existing(const Json& there,
                                 const Candidate& candidate,
                                 model::ExistingResourcePolicy policy);

// The labels that say where an object comes from, alone.
Json restore_labels_patch(const Json& object);

// Velero's warning about one that differs and stays.
std::string differs_warning(const Candidate& candidate, model::ExistingResourcePolicy policy);

}  // namespace lateen::restore
