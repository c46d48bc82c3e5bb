// The node agent: one on each node, copying volumes' files into repositories and back. Its Lease
// keeps a second one of the same node waiting, and tells others that it is there.
#pragma once

#include <stop_token>

#include "agent/config.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::agent {

// Runs until told to stop. What is going on then is begun again by the next one.
Status run_agent(const AgentConfig& config,
                 kube::Client& client,
                 const Clock& clock,
                 Rng& rng,
                 const Log& log,
                 std::stop_token stop);

}  // namespace lateen::agent
