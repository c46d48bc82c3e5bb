// Objects of an installation into a cluster and out of it, said line by line as Velero says it.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/command.h"
#include "kube/client.h"

namespace lateen::cli {

// Where an object of an installation lies; its kind must be one of those.
Result<kube::ObjectPath> install_path(const Json& object);

enum class InstallWay {
  Create,  // what is there stays as it is, but for definitions that lack fields of ours
  Apply,   // server-side apply: what is there is brought up to date
};

struct InstallWork {
  kube::Client& client;
  Console& console;
  InstallWay way = InstallWay::Create;
  std::stop_token stop = {};
};

// One object; says whether it was there already.
Result<bool> put_object(const InstallWork& work, const Json& object);

// Definitions first, and then, once the cluster serves them, the others.
Status put_objects(const InstallWork& work, const std::vector<Json>& objects);

// A definition that lacks versions or fields of ours is brought up to ours; says whether it was.
Result<bool> update_definition(kube::Client& client, const Json& crd, std::stop_token stop);

// Waits until the server's Deployment, and the node agent's DaemonSet, have their pods. The error
// says what holds the pods up.
Status wait_for_server_pods(const InstallWork& work, const std::string& ns);
Status wait_for_agent_pods(const InstallWork& work, const std::string& ns, const std::string& name);

}  // namespace lateen::cli
