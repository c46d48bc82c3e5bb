// Repositories of volumes' files as the server, the node agent and the client open them: by a
// location of this cluster, with the keys of this cluster (repository_keys.h).
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "model/backup_repository.h"
#include "server/context.h"
#include "volumes/volume_repository.h"

namespace lateen::server {

struct RepositoryPlace {
  std::string location = {};
  std::string volume_namespace = {};
  std::string type = std::string(volumes::kKopia);
  FilePath cache_dir = {};    // empty: none
  ByteCount cache_limit = 0;  // of what is kept there; 0: as it is
  volumes::EngineLimits limits = {};
  ByteCount read_rate = 0;  // bytes a second; 0: unlimited
};

RepositoryPlace place_of(const model::BackupRepository& repository);

// NotFound when there is no such location, or no repository there.
Result<std::unique_ptr<volumes::VolumeRepository>> open_volume_repository(
    const ServerContext& context, const RepositoryPlace& place, std::stop_token stop);

// Makes it if it is not there; refused for a location that is ReadOnly.
Result<std::unique_ptr<volumes::VolumeRepository>> open_or_create_volume_repository(
    const ServerContext& context, const RepositoryPlace& place, std::stop_token stop);

// What Velero notes as a restic repository's URL; empty for providers that restic has no URL for.
std::string restic_identifier(const model::BackupStorageLocation& location, std::string_view ns);

}  // namespace lateen::server
