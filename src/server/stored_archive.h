// A stored backup's tarball, brought to a local file and opened.
#pragma once

#include <stop_token>
#include <string_view>

#include "archive/archive_reader.h"
#include "base/result.h"
#include "base/temp.h"
#include "objects/backup_store.h"

namespace lateen::server {

// Owns the scratch folder that the reader reads from. Movable.
struct StoredArchive {
  TempDir scratch;
  archive::ArchiveReader reader;
};

// NotFound when the backup has no tarball; Corrupt when it is broken, and where.
Result<StoredArchive> open_stored_archive(objects::BackupStore& store,
                                          std::string_view backup,
                                          std::stop_token stop);

}  // namespace lateen::server
