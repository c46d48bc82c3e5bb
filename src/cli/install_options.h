// What `lateen install` may be told: Velero's flags, and what of them makes the objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "cli/command.h"
#include "model/object_meta.h"

namespace lateen::cli {

// The image that holds this program, as /lateen and as /velero.
std::string default_image();

// Filled once from the flags, const ever after.
struct InstallOptions {
  std::string ns = "velero";
  std::string image = {};
  std::string provider = {};
  std::string bucket = {};
  std::string prefix = {};
  std::string ca_cert = {};  // PEM
  model::StringMap location_config = {};
  model::StringMap snapshot_config = {};
  model::StringMap pod_annotations = {};
  model::StringMap pod_labels = {};
  model::StringMap account_annotations = {};
  std::string service_account = {};  // empty: one of our own
  Json server_resources = JsonObject();
  Json agent_resources = JsonObject();
  std::optional<Secret> credentials = {};
  bool backup_location = true;
  bool snapshot_location = true;
  bool node_agent = false;
  bool node_agent_windows = false;
  bool privileged_agent = false;
  bool least_privilege = false;  // rather than cluster-admin
  bool agent_host_paths = true;
  std::string kubelet_root = "/var/lib/kubelet";
  std::vector<std::string> plugins = {};      // images of init containers
  std::string features = {};                  // as given: rendered even when empty
  std::vector<std::string> server_args = {};  // behind "server", in Velero's order
  std::vector<std::string> agent_args = {};   // behind "node-agent server"
  bool early_frequent_polling = false;
  std::string server_priority = {};
  std::string agent_priority = {};
};

std::vector<FlagSpec> install_flags();

// Checked as Velero checks them, in its words. Reads the files that they name.
Result<InstallOptions> install_options(const Invocation& call);

}  // namespace lateen::cli
