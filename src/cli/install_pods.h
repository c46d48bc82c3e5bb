// The pods of an installation: the server's and the node agent's, as Velero's installer has them.
// Pure.
#pragma once

#include <string_view>

#include "base/json.h"
#include "cli/install_options.h"

namespace lateen::cli {

// The ServiceAccount, if none is given.
inline constexpr std::string_view kInstallAccount = "velero";

// Pod templates.
Json install_server_pod(const InstallOptions& options);
Json install_agent_pod(const InstallOptions& options);
Json install_windows_agent_pod(const InstallOptions& options);

// How often an image is pulled: always, unless it has a tag that stays what it is.
std::string_view install_pull_policy(std::string_view image);

}  // namespace lateen::cli
