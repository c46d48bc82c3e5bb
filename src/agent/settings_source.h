// The node agents' ConfigMap, read from the cluster.
#pragma once

#include <stop_token>
#include <string>

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

}  // namespace lateen::agent
