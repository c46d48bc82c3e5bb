// The node agents' ConfigMap, read from the cluster.
#pragma once

#include <stop_token>
#include <string>

#include "agent/config.h"
#include "agent/settings.h"
#include "base/log.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::agent {

// Without a name the settings of who gives none. What has no effect is logged.
Result<AgentSettings> read_settings(kube::Client& client,
                                    const std::string& ns,
                                    const std::string& name,
                                    const Log& log,
                                    std::stop_token stop);

// How large the claims of `cachePVC` are to be, by the repositories' ConfigMap. Without its class
// there are none, which is logged.
Status complete_cache_claim(kube::Client& client,
                            const AgentConfig& config,
                            AgentSettings& settings,
                            const Log& log,
                            std::stop_token stop);

}  // namespace lateen::agent
