// One run of a restore drill, from the choice of a backup to the evidence: restored, checked,
// measured and taken down again. What it was about to do is on the RestoreDrill before it is done,
// and all that it makes is labelled, so that a later server can take down what this one left.
#pragma once

#include <functional>
#include <stop_token>

#include "base/result.h"
#include "model/restore_drill.h"
#include "server/context.h"

namespace lateen::server {

struct DrillJob {
  model::RestoreDrill drill = {};
  model::DrillRun run = {};  // with its id and its start
  const ServerContext& context;
  // Writes how far it is to the RestoreDrill.
  std::function<Status(const model::DrillRun&)> tell = {};
};

// The run Passed or Failed, torn down and with its evidence, but for what `message` says. Canceled
// when the server is stopping: the next one takes it down.
Result<model::DrillRun> run_drill(const DrillJob& job, std::stop_token stop);

// Ends a run that a former server left in the middle: Failed, and taken down.
Result<model::DrillRun> abandon_drill(const DrillJob& job, std::stop_token stop);

// Removes what the run made: namespaces with all that is in them, its Restore, its ConfigMap.
// Volumes that were made for it go too, whatever their class says. Returns when they are gone.
Status tear_down_drill(const ServerContext& context,
                       const std::string& drill,
                       const std::string& run,
                       std::stop_token stop);

// One check on what was restored, asked again until it passes or its time is over.
model::DrillCheckResult make_check(const ServerContext& context,
                                   const model::DrillCheck& check,
                                   const model::StringMap& namespaces,
                                   Deadline deadline,
                                   std::stop_token stop);

}  // namespace lateen::server
