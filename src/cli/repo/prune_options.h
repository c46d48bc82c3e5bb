// The flags that prune and forget --prune share, and what a prune says.
#pragma once

#include <vector>

#include "cli/repo/session.h"

namespace lateen::cli::repo {

std::vector<FlagSpec> prune_flags();
Result<repository::PruneRequest> read_prune_request(const Flags& flags, bool dry_run);
Result<int> prune_repo(RepoCall& call,
                       const OpenRepo& repo,
                       const repository::PruneRequest& request);

}  // namespace lateen::cli::repo
