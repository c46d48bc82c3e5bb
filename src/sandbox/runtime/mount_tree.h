// Putting pieces of the machine's file system together anew, without any right to change them:
//
//   skeleton      a tmpfs in which every entry of / is a read-only mount of the machine's own
//   unfolding     the same for a directory further down, when something must appear in it that is
//   not there
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace lateen::sandbox {

// errno as an Error about `what`, unless `result` is 0.
Status check(int result, std::string_view what);
Status mount_fs(const char* type,
                const std::string& target,
                unsigned long flags,
                const std::string& options);

// A mount that was taken while its source was in sight, to be put in place after the root has
// changed.
struct PreparedMount {
  UniqueFd tree;
  std::string target;
  bool is_directory;
};

Result<PreparedMount> prepare(const std::string& source, const std::string& target, bool read_only);

// `target` is made when missing, unfolding what cannot be written to; symbolic links on the way are
// followed.
Status put_in_place(const PreparedMount& mount);
Status place(const UniqueFd& tree, const std::string& target);

// mkdir -p, or the file's folder and an empty file, with unfolding.
Status make_mount_path(const std::string& path, bool is_directory);

// Makes the existing directory `root` one.
Status build_skeleton(const std::string& root);

}  // namespace lateen::sandbox
