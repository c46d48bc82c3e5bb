// One restore from its start to its end.
#pragma once

#include <functional>
#include <stop_token>

#include "base/result.h"
#include "model/restore.h"
#include "server/context.h"

namespace lateen::server {

struct RestoreJob {
  model::Restore restore;
  const ServerContext& context;
  // Writes the phases on the way.
  std::function<void(const model::Restore&)> tell;
};

// Whether a server that finds a restore in this phase, with nobody at work on it, goes on with it.
bool can_go_on(model::RestorePhase phase);

// Carries out a Restore that is InProgress, or goes on with one that waits for operations or is
// being finalized; gives it in its terminal phase, with its documents in the bucket. An Error when
// the server stops, or when it cannot go on now: the Restore is then in the phase that was told
// last.
Result<model::Restore> run_restore_to_end(const RestoreJob& job, std::stop_token stop);

}  // namespace lateen::server
