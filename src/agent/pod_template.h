// What the data mover's pods have from the node agents' own: image, account, environment, bucket.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::agent {

// What the pods are made of: as the agent's own DaemonSet.
struct PodTemplate {
  std::string image = {};
  std::string pull_policy = {};
  std::vector<std::string> command = {};        // our program
  std::vector<std::string> log_arguments = {};  // --log-level, --log-format
  std::string service_account = {};
  Json pull_secrets = {};
  Json tolerations = {};
  Json dns_policy = {};
  Json dns_config = {};
  // Of its one container. What reaches into the node is left out: the data mover has its volume.
  Json env = {};
  Json env_from = {};
  JsonArray volumes = {};
  JsonArray mounts = {};
};

// By DaemonSet node-agent of this namespace. NotFound says what to do.
Result<PodTemplate> read_pod_template(kube::Client& client,
                                      const std::string& ns,
                                      std::stop_token stop);

// Without what is Velero's own: for a pod of another namespace.
PodTemplate bare(const PodTemplate& pod);

}  // namespace lateen::agent
