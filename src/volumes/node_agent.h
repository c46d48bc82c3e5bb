// What a backup and a restore must know of the node agent: whether one is there, and the
// repository that it will write into.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client.h"
#include "model/backup_repository.h"

namespace lateen::volumes {

// The Lease that Lateen's node agent holds while it runs on a node; others wait for it to expire.
std::string node_agent_lease(std::string_view node);

// Ok if a node agent runs on this node: a running pod of the DaemonSet (Velero's too), or one of
// ours that holds its Lease. `ns` is Velero's namespace. NotFound says what to do.
Status check_node_agent(kube::Client& client,
                        std::string_view ns,
                        std::string_view node,
                        const Clock& clock,
                        std::stop_token stop);

// Whether nobody is to be expected there any more. Of ours the Lease says it, whatever the pod of a
// dead node looks like; one that was handed back is not yet a loss, for an agent that is replaced
// comes again. Of Velero's the pods say it.
Result<bool> is_node_agent_lost(kube::Client& client,
                                std::string_view ns,
                                std::string_view node,
                                const Clock& clock,
                                std::stop_token stop);

// A BackupRepository by what it is for.
struct RepositoryRequest {
  std::string ns = {};  // Velero's namespace
  std::string volume_namespace = {};
  std::string location = {};
  std::string type = {};
};

// The BackupRepository; nothing if there is none.
Result<std::optional<model::BackupRepository>> find_repository(kube::Client& client,
                                                               const RepositoryRequest& request,
                                                               std::stop_token stop);

// The BackupRepository, created if there is none (the server makes the repository itself), as it is
// when it is Ready. The error holds what the server says of it.
Result<model::BackupRepository> ensure_repository(kube::Client& client,
                                                  const RepositoryRequest& request,
                                                  Deadline deadline,
                                                  std::stop_token stop);

}  // namespace lateen::volumes
