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

// The tarball where it lies, for a few objects of it: each that is read is one ranged GET. `store`
// outlives the reader. NotFound when the backup has no index (it is Velero's), Conflict when its
// index is of another tarball: then open_stored_archive() is the way.
Result<archive::ArchiveReader> open_archive_in_place(objects::BackupStore& store,
                                                     std::string_view backup,
                                                     std::stop_token stop);

// For a restore of single objects: in place if that is possible, else here.
Result<StoredArchive> open_archive_for_few(objects::BackupStore& store,
                                           std::string_view backup,
                                           std::stop_token stop);

}  // namespace lateen::server
