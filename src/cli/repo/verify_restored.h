// Restored files against the snapshot: every byte is read again and held against its hash.
#pragma once

#include <cstdint>
#include <stop_token>

#include "base/result.h"
#include "repository/repository.h"

namespace lateen::cli::repo {

// The number of files that were compared. What differs is in progress.problems.
Result<std::uint64_t> verify_restored(repository::Repository& repo,
                                      const repository::StoredEntry& root,
                                      const repository::RestoreOptions& options,
                                      repository::Progress& progress,
                                      const std::stop_token& stop);

}  // namespace lateen::cli::repo
