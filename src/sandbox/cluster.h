// What makes the objects come alive: the controllers, the scheduler and the kubelet, on top of the
// Api.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "sandbox/api/api.h"
#include "sandbox/api/pod_runtime.h"
#include "sandbox/api/token_authority.h"

namespace lateen::sandbox {

struct ClusterOptions {
  FilePath dir;
  std::string ca_pem;      // of kube-root-ca.crt in each namespace
  std::uint16_t port = 0;  // of the API server
  bool records_only = false;
};

// Not thread-safe; what it starts has threads of its own.
class Cluster {
 public:
  Cluster(
      Api& api, const TokenAuthority& tokens, const Clock& clock, Log log, ClusterOptions options);
  ~Cluster();

  Status start();
  void stop();

  // Null where there is none.
  PodRuntime* pod_runtime();

  // "processes", or why pods are records only.
  std::string runtime_mode() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace lateen::sandbox
