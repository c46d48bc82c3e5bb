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

// What is bound only while a restore runs: the ClusterRole, and the binding of the same name.
std::string install_restore_role(std::string_view ns);

// What --least-privilege makes rather than the binding to cluster-admin. The restore role is bound
// by the server.
std::vector<Json> install_small_rights(std::string_view ns);

// The names of its ClusterRoles, which are those of their bindings.
std::vector<std::string> install_cluster_rights(std::string_view ns);

// What the installation is called that is bound to cluster-admin: "velero", or "velero-NAMESPACE".
std::string install_binding_name(std::string_view ns);

}  // namespace lateen::cli
