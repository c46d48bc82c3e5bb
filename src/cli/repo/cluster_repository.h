// `lateen repo … -r k8s:NAME`: a BackupRepository of the cluster, by its location's bucket and the
// cluster's keys.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "cli/command.h"
#include "cli/repo/settings.h"
#include "objects/object_store.h"

namespace lateen::cli::repo {

struct ClusterRepository {
  // The repository's own part of the bucket; asked once for each key that is tried.
  std::function<Result<std::unique_ptr<objects::ObjectStore>>()> open_store;
  std::vector<Secret> keys = {};  // the likely ones first; at least one
};

Result<ClusterRepository> find_cluster_repository(const Invocation& call,
                                                  const RepoSettings& place);

}  // namespace lateen::cli::repo
