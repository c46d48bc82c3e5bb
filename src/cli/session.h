// What a command that talks to a cluster works with, opened from the global flags.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "cli/download_route.h"
#include "kube/client.h"
#include "server/cluster.h"

namespace lateen::cli {

// Movable.
struct Session {
  std::unique_ptr<kube::Client> client;
  server::Cluster cluster;
  std::unique_ptr<DownloadRoute> route = std::make_unique<DownloadRoute>();

  const std::string& ns() const { return cluster.ns(); }
};

Result<Session> open_session(const Invocation& call);

// The namespace of velero.io objects: --namespace (--velero-namespace of commands whose --namespace
// is an object's), the client's config file, VELERO_NAMESPACE,
// "velero".
Result<std::string> velero_namespace(const Invocation& call);

}  // namespace lateen::cli
