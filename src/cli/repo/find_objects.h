// Which files and folders of which snapshots need these blobs, trees or packs: `find --blob`,
// `--tree`, `--pack`.
#pragma once

#include "cli/repo/session.h"

namespace lateen::cli::repo {

enum class ObjectKind { Blob, Tree, Pack };

// Prints them. `ids` may be cut short. NotFound for a pack that is in no index. The exit code.
Result<int> find_objects(RepoCall& call,
                         const OpenRepo& repo,
                         const std::vector<repository::Snapshot>& snapshots,
                         ObjectKind kind,
                         const std::vector<std::string>& ids);

}  // namespace lateen::cli::repo
