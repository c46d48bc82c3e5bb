// Directories as the kernel gives them: names in wide batches, then statx by the directory's
// descriptor, in the order of inodes (which on ext4 and rotating disks is the order on the disk).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "repository/tree/entry.h"

namespace lateen::repository {

// Never follows a link in the last component of what it opens.
Result<UniqueFd> open_directory(int parent_fd, const std::string& name);
// A root that the user named: links in it are followed.
Result<UniqueFd> open_directory(const FilePath& path);
// For reading a regular file, without updating its access time where that is allowed.
Result<UniqueFd> open_file(int parent_fd, const std::string& name);

struct DirectoryListing {
  std::vector<Entry> entries = {};  // sorted by the bytes of their names
  // Entries that vanished between listing and looking are not here; those that could not be looked
  // at for another reason are.
  std::vector<std::pair<Bytes, Error>> failed = {};
};

// All entries but . and .., with link targets, and attributes if asked for.
Result<DirectoryListing> read_directory(int fd, const std::string& path, bool xattrs);

// The directory (or file) itself.
Result<Entry> stat_entry(int fd, const std::string& name_for_errors, bool xattrs);
Result<Entry> stat_path(const FilePath& path, bool follow, bool xattrs);

Result<std::vector<ExtendedAttribute>> read_xattrs(int fd);

// The parts of a file that are not holes, from `offset`; where the file system does not tell, all
// of it. Nothing if only a hole is left.
struct Extent {
  ByteCount offset = 0;
  ByteCount length = 0;
};

std::optional<Extent> next_extent(int fd, ByteCount offset, ByteCount size);

}  // namespace lateen::repository
