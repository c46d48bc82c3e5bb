// What is done with a Restore before it runs.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "model/restore.h"
#include "restore/modifiers.h"
#include "server/context.h"

namespace lateen::server {

// Checks a new Restore and fills in what it left open. Gives it as it is to be stored:
// FailedValidation with the reasons, in Velero's words, or InProgress.
Result<model::Restore> prepare_restore(const model::Restore& restore,
                                       const ServerContext& context,
                                       std::stop_token stop);

// The name of the newest Completed backup of a schedule, by its start.
Result<std::string> newest_of_schedule(const std::string& schedule,
                                       const Cluster& cluster,
                                       std::stop_token stop);

// The rules of spec.resourceModifier; none when it names no ConfigMap.
Result<restore::Modifiers> read_modifiers(const model::Restore& restore,
                                          kube::Client& client,
                                          std::stop_token stop);

}  // namespace lateen::server
