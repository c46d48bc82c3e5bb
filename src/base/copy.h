// Copies of files and trees: a clone where the file system can (XFS, Btrfs), a copy where not.
#pragma once

#include <cstdint>
#include <stop_token>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen {

// The content and the permission bits of one file; `to` must not exist. (Not "copy_file":
// std::filesystem has one.)
Status copy_regular_file(const FilePath& from, const FilePath& to);

struct CopiedTree {
  std::uint64_t files = 0;
  ByteCount bytes = 0;        // apparent size
  bool all_cloned = true;     // no byte was really copied
  std::uint64_t skipped = 0;  // sockets and devices
};

// The tree under `from` into the folder `to` (made if absent): folders, files (holes stay holes),
// symbolic links as they are, hard links among themselves, FIFOs; modes, times, and owners where we
// may. Sockets and devices are passed over; extended attributes are kept where the file system
// takes them.
Result<CopiedTree> copy_tree(const FilePath& from, const FilePath& to, std::stop_token stop);

}  // namespace lateen
