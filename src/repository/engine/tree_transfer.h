// A stored tree written once more: into another repository, of the same format or the other one
// (`copy`), or into its own without some of it (`rewrite`). Pieces of files stay cut as they are.
// Nothing is left out silently: what cannot be read is the error of the whole.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/thread.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/content_writer.h"
#include "repository/engine/format.h"
#include "repository/engine/progress.h"

namespace lateen::repository {

// What a folder or file of the source became, so that the next snapshot does not copy it again.
// At most so many are kept (about 100 bytes each): the rest is only copied again. Thread-safe.
class TransferMemory {
 public:
  explicit TransferMemory(std::size_t max_entries = 1'000'000) : max_entries_(max_entries) {}

  std::optional<StoredEntry> find(const StoredEntry& source) const;
  // Only `object` and `summary` of `copy` are kept.
  void add(const StoredEntry& source, const StoredEntry& copy);

 private:
  struct Copy {
    Bytes object = {};
    std::shared_ptr<const DirectorySummary> summary = {};
  };

  const std::size_t max_entries_;
  mutable Mutex mu_;
  std::unordered_map<std::string, Copy> copies_ LATEEN_GUARDED_BY(mu_);  // by the source's object
};

struct TransferOptions {
  // Into the repository that it is read from: files keep their objects, and so do folders in which
  // nothing changes.
  bool same_repository = false;
  // What only the format knows of an entry goes along.
  bool same_format = false;
  // Contents have the same names in both (restic's), so that what this index has is not even read,
  // and folders are copied as they are.
  const ContentIndex* known = nullptr;
  // True leaves the entry out, with all below it. `path` begins with '/'.
  std::function<bool(const std::string& path, const StoredEntry& entry)> exclude = {};
  std::size_t threads = 0;
};

// Not thread-safe.
class TreeTransfer {
 public:
  // All outlive it. With `exclude`, `memory` is not used: what is left out depends on the path.
  TreeTransfer(const TreeFormat& source,
               ContentReader& reader,
               const TreeFormat& target,
               ContentWriter& writer,
               TransferMemory& memory,
               const TransferOptions& options);

  // The root as the target has it. Entries of a kind that the target's format has no place for are
  // in progress.problems, and left out.
  Result<StoredEntry> transfer(const StoredEntry& root, Progress& progress, std::stop_token stop);

  // Folders that lead to `entry`, which becomes the last component of `path` ("/a/b"): their root.
  Result<StoredEntry> below(const std::string& path, StoredEntry entry);

 private:
  struct Folder;

  // One for each side: each has another key.
  struct Workspaces {
    Workspace source;
    Workspace target;
  };

  Result<Folder> open_folder(const StoredEntry& source,
                             const std::string& path,
                             Progress& progress,
                             const std::stop_token& stop);
  Result<StoredEntry> close_folder(Folder folder);
  Status copy_object(const StoredEntry& folder);
  Result<StoredEntry> copy_leaf(const StoredEntry& source,
                                Workspaces& workspaces,
                                Progress& progress,
                                const std::stop_token& stop);
  Result<Bytes> copy_file(const StoredEntry& source,
                          Workspaces& workspaces,
                          Progress& progress,
                          const std::stop_token& stop);
  Result<StoredEntry> write_folder(StoredEntry folder, const std::vector<StoredEntry>& entries);

  const TreeFormat& source_;
  ContentReader& reader_;
  const TreeFormat& target_;
  ContentWriter& writer_;
  TransferMemory& memory_;
  const TransferOptions options_;
  const std::size_t threads_;
  Workspaces workspaces_;
};

}  // namespace lateen::repository
