// A tree of files into a repository: walks directories in parallel, compares with the parent's
// tree, cuts, hashes, stores what is new, and writes the directories, children first. All cores,
// several files and several pieces of a large one at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/content_writer.h"
#include "repository/engine/format.h"
#include "repository/engine/progress.h"

namespace lateen {
class CpuPace;
}

namespace lateen::repository {

struct UploadResult;

struct UploadOptions {
  // One folder (or file): its entry is the root. Several, or `keep_paths`: the root is a folder
  // that leads to them by their absolute paths, as restic has it, or by their paths from
  // `keep_from`, which is above all of them.
  std::vector<FilePath> paths = {};
  bool keep_paths = false;
  FilePath keep_from = "/";

  // The root of the tree to compare with; all files are read if there is none.
  std::optional<StoredEntry> parent = {};
  // Checkpoints of former runs of this source that did not come to their end, newest first: what
  // they have is not read again either.
  std::vector<StoredEntry> unfinished = {};

  // True leaves the entry (and all below it) out. `path` is absolute on this machine. May be called
  // from several threads.
  std::function<bool(const std::string& path, const Entry& entry)> exclude = {};
  bool one_file_system = false;
  bool fail_fast = false;  // the first file that cannot be read ends it (Velero)
  // So often, everything that was sent is indexed, so that a run that was cut short need not send
  // it again; and the tree as far as it is done is given to `on_checkpoint`, if there is one, which
  // may refer to it: all that it names is stored. An error of its ends the upload. It is called on
  // a thread of its own, one at a time, and not any more when upload_tree() returns.
  Duration checkpoint_interval = std::chrono::minutes(10);
  std::function<Status(const UploadResult& so_far, std::stop_token stop)> on_checkpoint = {};
  std::size_t threads = 0;    // 0: by the machine's cores
  ByteCount memory = 48_MiB;  // of file bytes in flight, beside the writer's packs
  CpuPace* pace = nullptr;    // if there is one, it outlives the upload
};

struct UploadStats {
  std::uint64_t files_new = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_unchanged = 0;
  std::uint64_t dirs_new = 0;
  std::uint64_t dirs_changed = 0;
  std::uint64_t dirs_unchanged = 0;
  std::uint64_t excluded_files = 0;
  std::uint64_t excluded_dirs = 0;
  ByteCount excluded_bytes = 0;
  std::uint64_t passed_over = 0;  // of kinds that the format has no place for
  std::uint64_t failed = 0;
  ByteCount bytes = 0;       // of all regular files
  ByteCount bytes_read = 0;  // of those that were read
};

struct UploadResult {
  StoredEntry root = {};
  UploadStats stats = {};
};

// Uploads and waits for nothing else: the caller flushes the writer before it refers to the root.
// Files that cannot be read are in progress.problems and not in the tree; the result is an Error
// only if the whole cannot go on (the root is missing, the store fails, a stop). `parent_reader` is
// needed if options.parent is set.
Result<UploadResult> upload_tree(const UploadOptions& options,
                                 const TreeFormat& trees,
                                 ContentWriter& writer,
                                 ContentReader* parent_reader,
                                 Progress& progress,
                                 std::stop_token stop);

// A stream as one file (backup --stdin, a block device): its entry's size is what was read.
Result<StoredEntry> upload_stream(ByteSource& source,
                                  Entry entry,
                                  const TreeFormat& trees,
                                  ContentWriter& writer,
                                  Progress& progress,
                                  std::stop_token stop);

}  // namespace lateen::repository
