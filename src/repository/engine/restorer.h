// A stored tree back to files: directories first, then data pack by pack (each pack is fetched
// once, in wide ranges, several at a time, and written wherever it belongs), then metadata.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/format.h"
#include "repository/engine/progress.h"

namespace lateen {
class CpuPace;
}

namespace lateen::repository {

enum class Overwrite { Always, IfChanged, IfNewer, Never };

struct RestoreOptions {
  FilePath target = {};  // made if it is not there
  Overwrite overwrite = Overwrite::Always;
  // Holes are left where a piece is zeros; otherwise they are written.
  bool sparse = false;
  bool ownership = true;  // chown; failing to for want of permission is passed over unless strict
  bool permissions = true;
  bool times = true;
  bool xattrs = true;
  bool strict_ownership = false;
  // All is on the disk when it returns (one syncfs).
  bool sync = false;
  bool dry_run = false;
  // False leaves the entry out. `path` begins with '/', the tree's root being "/". For a folder:
  // whether to go into it. May be called from several threads.
  std::function<bool(const std::string& path, const StoredEntry& entry)> select = {};
  // True of a folder that is only on the way to what may be wanted: it is made when that is found.
  std::function<bool(const std::string& path)> is_on_the_way = {};
  std::size_t threads = 0;
  ByteCount memory = 96_MiB;  // of ranges being fetched and opened
  CpuPace* pace = nullptr;    // if there is one, it outlives the restore
};

struct RestoreStats {
  std::uint64_t files = 0;
  std::uint64_t dirs = 0;
  std::uint64_t others = 0;   // links, devices, fifos
  std::uint64_t skipped = 0;  // left as they were (Overwrite)
  ByteCount bytes = 0;
  std::uint64_t failed = 0;
};

// `root` is a directory (its children appear in the target, its own metadata on the target) or
// anything else (it appears in the target under its name). What fails is in progress.problems; an
// Error only if nothing can go on.
Result<RestoreStats> restore_tree(const StoredEntry& root,
                                  const RestoreOptions& options,
                                  const TreeFormat& trees,
                                  ContentReader& reader,
                                  Progress& progress,
                                  std::stop_token stop);

// One file's bytes, in order: dump, mount.
Status read_file_range(const StoredEntry& file,
                       ByteCount offset,
                       ByteCount length,
                       const TreeFormat& trees,
                       ContentReader& reader,
                       Workspace& workspace,
                       Buffer& out,
                       std::stop_token stop);
Status dump_file(const StoredEntry& file,
                 ByteSink& sink,
                 const TreeFormat& trees,
                 ContentReader& reader,
                 std::stop_token stop);

}  // namespace lateen::repository
