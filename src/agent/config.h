// What `lateen node-agent server` can be told, in the words of `velero node-agent server`.
#pragma once

#include <chrono>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"

namespace lateen::agent {

// How fast the work may be.
struct WorkLimits {      // 0: unlimited
  ByteCount upload = 0;  // bytes a second
  ByteCount download = 0;
  double processors = 0;

  bool operator==(const WorkLimits&) const = default;
};

// Filled once from flags, const ever after.
struct AgentConfig {
  std::string ns = "velero";
  std::string node;                       // ours
  FilePath host_pods = "/host_pods";      // kubelet's folder of pods, as we see it
  FilePath cache_dir = {};                // for repositories' indexes; empty: none
  std::string settings_configmap = {};    // --node-agent-configmap; empty: none
  std::string repository_configmap = {};  // --backup-repository-configmap; empty: none
  std::string metrics_address = {};       // empty: no metrics
  // The address is the default one: a machine where the server has taken it is no reason to stop.
  bool metrics_optional = false;
  WorkLimits limits = {};  // where the ConfigMap has none for the hour
  ByteCount memory = 0;    // of this process; 0: by its container
  Duration resource_timeout = std::chrono::minutes(10);
  Duration prepare_timeout = std::chrono::minutes(30);
  Duration progress_interval = std::chrono::seconds(2);
};

}  // namespace lateen::agent
