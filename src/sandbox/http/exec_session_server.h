// Serves one exec or attach: chooses the protocol, starts the process, carries bytes both ways,
// tells how it ended.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "net/http_server.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/pod_runtime.h"

namespace lateen::sandbox {

// Errors (before anything was sent) are for the caller to answer.
ApiStatus serve_exec(net::ServerExchange& exchange,
                     const ExecOptions& options,
                     const std::function<Result<std::unique_ptr<ExecSession>>()>& start);

}  // namespace lateen::sandbox
