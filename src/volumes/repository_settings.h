// What people say of repositories in the ConfigMap of --backup-repository-configmap: one JSON value
// for each type (key kopia, restic). A new BackupRepository keeps it as its spec.repositoryConfig,
// and what stands there counts. Pure.
//
//   data: {kopia: '{"cacheLimitMB": 2048, "fullMaintenanceInterval": "eagerGC"}'}
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/object_meta.h"

namespace lateen::volumes {

struct RepositorySettings {
  // What is kept of the repository where its volumes' data is copied.
  std::optional<ByteCount> cache_limit = {};
  // How often maintenance frees space; kopia's alone.
  std::optional<Duration> full_maintenance = {};

  // InvalidArgument names the key. Keys that are not known are Velero's to know.
  static Result<RepositorySettings> parse(const model::StringMap& config);
};

// spec.repositoryConfig of a new repository of this type, checked; empty where nothing is said.
Result<model::StringMap> repository_config(const Json& config_map, std::string_view type);

}  // namespace lateen::volumes
