// After a restore: what is in the target and not in the snapshot is removed (`restore --delete`).
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "repository/engine/restorer.h"

namespace lateen::repository {

// Goes through the folders of the snapshot that `options.select` takes; a folder of the snapshot
// that cannot be read is a problem, and nothing in it is removed. Of what is too much only that
// goes which `options.select` takes as well. `removed` is told each path ("/a/b", a folder once,
// without what was in it); with options.dry_run nothing else happens. Nothing leads out of the
// target.
Status delete_extra(const StoredEntry& root,
                    const RestoreOptions& options,
                    const TreeFormat& trees,
                    ContentReader& reader,
                    const std::function<void(const std::string& path)>& removed,
                    Progress& progress,
                    std::stop_token stop);

}  // namespace lateen::repository
