// Index files and snapshots never change: what is far away is kept near.
#pragma once

#include <memory>

#include "base/file.h"
#include "objects/object_store.h"

namespace lateen::repository::restic {

// In front of the repository's store. Names are hashes of what they name, so that several
// repositories may share a folder. `max_bytes` 0: 1 GiB.
std::unique_ptr<objects::ObjectStore> keep_documents(std::unique_ptr<objects::ObjectStore> store,
                                                     const FilePath& dir,
                                                     ByteCount max_bytes = 0);

}  // namespace lateen::repository::restic
