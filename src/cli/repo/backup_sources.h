// What a backup is to save and what not: arguments, --files-from*, excludes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/repo/pattern_flags.h"
#include "cli/repo/session.h"
#include "repository/tree/entry.h"

namespace lateen::cli::repo {

std::vector<FlagSpec> source_flags();

struct BackupPaths {
  std::vector<FilePath> paths = {};
  std::vector<std::string> missing = {};  // of those that were named
};

// InvalidArgument if none is named, or none is there.
Result<BackupPaths> read_paths(RepoCall& call);

struct Excludes {
  std::function<bool(const std::string& path, const repository::Entry& entry)> exclude = {};
  std::vector<std::string> texts = {};  // as restic keeps them with the snapshot
};

Result<Excludes> read_excludes(const Flags& flags);

}  // namespace lateen::cli::repo
