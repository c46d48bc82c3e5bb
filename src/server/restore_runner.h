// One restore from its start to its uploads, and to its end.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "model/restore.h"
#include "server/context.h"

namespace lateen::server {

// Checks a new Restore and fills in what it left open. Gives it as it is to be stored:
// FailedValidation with the reasons, in Velero's words, or InProgress.
Result<model::Restore> prepare_restore(const model::Restore& restore,
                                       const ServerContext& context,
                                       std::stop_token stop);

// Carries out a Restore that is InProgress, uploads its documents, waits for its volumes and hooks,
// and gives it in its terminal phase. `finalizing` is called with the Restore as it is before that
// last wait. Canceled when the server stops: the Restore is then still InProgress, and the next
// start marks it.
Result<model::Restore> run_restore_to_end(
    const model::Restore& restore,
    const ServerContext& context,
    const std::function<void(const model::Restore&)>& finalizing,
    std::stop_token stop);

}  // namespace lateen::server
