// All of `index/` as one ContentIndex.
#pragma once

#include <memory>
#include <set>
#include <stop_token>
#include <vector>

#include "base/file.h"
#include "repository/engine/content_index.h"
#include "repository/restic/files.h"

namespace lateen::repository::restic {

struct LoadedIndex {
  std::unique_ptr<ContentIndex> index = {};
  std::set<Id> files = {};  // that it was made of
  // What is wrong with single files (unless `tolerant`, the first is the result) and packs that
  // two of them describe differently.
  std::vector<Error> problems = {};
  // Described twice, alike: harmless.
  std::uint64_t duplicate_packs = 0;
};

struct IndexLoadOptions {
  FilePath cache_dir = {};    // empty: everything is read
  bool tolerant = false;      // go on without files that cannot be read
  std::set<Id> without = {};  // pass over these packs
};

Result<LoadedIndex> load_index(const Files& files,
                               const IndexLoadOptions& options,
                               const std::stop_token& stop);

// Adds the files that have come since. How many there were; Gone if some are no longer there, and
// all must be loaded anew.
Result<std::size_t> load_new_files(const Files& files,
                                   LoadedIndex& loaded,
                                   const std::stop_token& stop);

}  // namespace lateen::repository::restic
