// Which files of which snapshots use blobs that are lost: so that a person knows what is gone, and
// what is not.
#pragma once

#include <set>
#include <span>
#include <stop_token>
#include <unordered_set>

#include "repository/engine/content_reader.h"
#include "repository/engine/live_set.h"
#include "repository/engine/progress.h"

namespace lateen::repository {

using ContentSet = std::unordered_set<ContentId, ContentIdHash>;

// Adds a problem for each file that uses one of `damaged`, "snapshot 1f0a…:/path"; the other
// snapshots that have it at the same path are in its message. Trees that cannot be read are passed
// over here: they have been said already.
Status name_damaged_files(std::span<const LiveRoot> roots,
                          const ContentSet& damaged,
                          const TreeFormat& trees,
                          ContentReader& reader,
                          Progress& progress,
                          const std::stop_token& stop);

}  // namespace lateen::repository
