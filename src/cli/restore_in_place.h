// `lateen files restore … --in-place`: a volume's data as they were, in the volume that is there,
// by the node agent. On request what uses it is stopped first, and a snapshot taken.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "cli/session.h"
#include "server/volume_snapshots.h"

namespace lateen::cli {

struct InPlaceRestore {
  std::string location = {};             // where the data are
  server::VolumeSnapshot snapshot = {};  // of a claim
  bool scale_down = false;               // stop what uses the claim, and start it again
  bool take_snapshot = false;            // of the claim as it is now
};

// Comes back when the data are there and what was stopped runs again. After an error nothing that
// was stopped is started: nobody should work with half a volume; the error says how to.
Result<int> restore_in_place(Invocation& call, Session& session, const InPlaceRestore& what);

}  // namespace lateen::cli
