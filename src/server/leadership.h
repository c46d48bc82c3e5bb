// One server of a namespace leads; others wait until it has gone. The Lease is "lateen-server".
#pragma once

#include <functional>
#include <stop_token>

#include "base/result.h"
#include "server/context.h"

namespace lateen::server {

inline constexpr const char* kServerLease = "lateen-server";

// Calls `lead` once this process leads, with a token that is stopped when `stop` is or when the
// lease is lost; gives what it gave. The lease is kept until `lead` has returned, and then freed:
// the next server begins at once. A process that cannot renew its lease in time is ended by the
// kernel (lease_watchdog.h), so that nothing is written by one that only believes to lead.
//
// With `leader_elect` off, `lead` is called at once.
Status run_as_leader(const ServerContext& context,
                     const std::function<Status(std::stop_token)>& lead,
                     std::stop_token stop);

}  // namespace lateen::server
