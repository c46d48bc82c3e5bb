// What brings back volumes' files in a restore: file-system backups, and snapshots that were moved
// into a repository.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "archive/archive_reader.h"
#include "model/restore.h"
#include "restore/item_extension.h"
#include "server/context.h"

namespace lateen::server {

// Owns what a restore's tools refer to.
struct VolumeExtensions {
  std::vector<std::unique_ptr<restore::ItemExtension>> owned = {};

  std::vector<restore::ItemExtension*> all() const;
};

// `store` is the bucket of the restore's backup, `location` its name, `archive` its tarball.
// Restore, context and log must outlive the extensions.
Result<VolumeExtensions> make_volume_extensions(const model::Restore& restore,
                                                std::string_view location,
                                                objects::BackupStore& store,
                                                const archive::ArchiveReader& archive,
                                                const ServerContext& context,
                                                const Log& log,
                                                std::stop_token stop);

}  // namespace lateen::server
