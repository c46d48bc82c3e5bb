// The objects that make an installation, as Velero's own installer makes them: the same names,
// labels, order and fields, so that whoever looks for Velero's finds them. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/install_options.h"

namespace lateen::cli {

// Velero's custom resource definitions and, behind them, those of lateen.io.
std::vector<Json> install_definitions();

// Everything, in the order in which it is to be created: definitions, namespace, rights, Secret,
// locations, Deployment, DaemonSets.
std::vector<Json> install_objects(const InstallOptions& options);

// What the installation is called that is bound to cluster-admin: "velero", or "velero-NAMESPACE".
std::string install_binding_name(std::string_view ns);

}  // namespace lateen::cli
