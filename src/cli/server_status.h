// What a running server says of itself, by a ServerStatusRequest.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "base/result.h"
#include "cli/session.h"
#include "model/requests.h"

namespace lateen::cli {

// "context deadline exceeded" when no server answers in time.
Result<model::ServerStatusRequest> ask_server_status(const Session& session,
                                                     Duration timeout,
                                                     std::stop_token stop);

}  // namespace lateen::cli
