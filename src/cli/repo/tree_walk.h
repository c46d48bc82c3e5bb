// Through a snapshot's tree.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "repository/repository.h"

namespace lateen::cli::repo {

using repository::StoredEntry;

enum class WalkStep { Into, Over };  // what a folder's visit says of what is below it

// Calls `visit` for each entry below `root`, in order, a folder before its entries; paths begin
// with `prefix` + "/". A folder that cannot be read goes to `unreadable`, if there is one, and else
// ends the walk.
Status walk_tree(
    repository::Repository& repo,
    const StoredEntry& root,
    const std::string& prefix,
    const std::function<Result<WalkStep>(const std::string&, const StoredEntry&)>& visit,
    const std::function<void(const std::string&, const Error&)>& unreadable,
    const std::stop_token& stop);

// The entry at a path of the tree; the root itself for "" and "/". NotFound.
Result<StoredEntry> find_entry(repository::Repository& repo,
                               const StoredEntry& root,
                               const std::string& path);

}  // namespace lateen::cli::repo
