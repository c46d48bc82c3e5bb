// What each snapshot of a repository added, and how much of all of them is stored once.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "cli/repo/printer.h"
#include "repository/repository.h"

namespace lateen::cli::repo {

struct SnapshotGrowth {
  std::string id = {};
  TimePoint time = {};
  std::vector<std::string> paths = {};
  ByteCount size = 0;     // of its files, as a restore would write them
  ByteCount changed = 0;  // of the files with something in them that no earlier snapshot has
  ByteCount added = 0;    // what no earlier snapshot has, before compression; folders, too
  ByteCount stored = 0;   // the same as it is stored
};

struct RepositoryGrowth {
  std::vector<SnapshotGrowth> snapshots = {};  // those that were asked for
  // Of all snapshots:
  std::size_t count = 0;
  ByteCount logical = 0;  // the sum of their sizes
  ByteCount unique = 0;   // what is in them, each piece once
  ByteCount stored = 0;
};

// `all` oldest first. Memory: a bit for each content, and an entry for each different folder.
Result<RepositoryGrowth> measure_growth(repository::Repository& repository,
                                        std::span<const repository::Snapshot> all,
                                        std::span<const repository::Snapshot> wanted,
                                        std::stop_token stop);

void print_growth(const RepositoryGrowth& growth, const Printer& out);

}  // namespace lateen::cli::repo
