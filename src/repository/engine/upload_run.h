// What the tasks of one upload share: folders being read, files being cut, what has been counted.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "repository/engine/uploader.h"
#include "repository/engine/window_pool.h"
#include "repository/engine/work_queue.h"
#include "repository/tree/directory_reader.h"

namespace lateen::repository {

class LargeFileUpload;

enum class EntryState : std::uint8_t { Pending, Saved, LeftOut };

// A folder whose entries are being saved. Its entries are each written by one task, which then says
// so in `states`; when all are done, the last task writes the folder itself, and its entry in the
// folder above.
struct FolderUpload {
  FolderUpload* parent = nullptr;
  std::size_t place = 0;  // among the parent's entries
  std::size_t depth = 0;
  std::string path = {};
  std::shared_ptr<const UniqueFd> fd = {};  // open as long as tasks need it
  std::vector<StoredEntry> entries = {};    // sorted by name
  std::vector<std::atomic<EntryState>> states = {};
  std::atomic<bool> listed = false;               // `entries` and `states` are there
  std::optional<StoredEntry> before = {};         // this folder in the parent snapshot
  std::vector<StoredEntry> in_unfinished = {};    // and in unfinished ones, newest first
  std::map<std::size_t, StoredEntry> begun = {};  // large files that an unfinished one has in part
  std::atomic<std::size_t> unfinished = 1;
  // Held while the folder is written, which takes its entries, so that a checkpoint that wants to
  // look at them waits: nobody else does.
  Mutex writing;
  bool written LATEEN_GUARDED_BY(writing) = false;
  Mutex mu;
  DirectorySummary problems LATEEN_GUARDED_BY(mu);  // only what failed
};

// An entry as earlier runs kept it.
struct FormerEntries {
  const StoredEntry* before = nullptr;              // in the parent snapshot
  std::vector<const StoredEntry*> unfinished = {};  // newest first
};

// Thread-safe.
class UploadRun {
 public:
  UploadRun(const UploadOptions& options,
            const TreeFormat& trees,
            ContentWriter& writer,
            ContentReader* parent_reader,
            Progress& progress);

  Result<UploadResult> run(std::stop_token stop);

  // The name under which a checkpoint keeps the first part of a file, as kopia does.
  static std::string begun_name(const Bytes& file, ByteCount size);

 private:
  friend class LargeFileUpload;

  // Folders (upload_folder.cc).
  void read_folder(FolderUpload& folder, Worker& worker);
  Status list_folder(FolderUpload& folder, Worker& worker);
  bool wanted(const FolderUpload& folder, const Entry& entry);
  void take_entry(FolderUpload& folder,
                  std::size_t place,
                  const FormerEntries& old,
                  Worker& worker);
  bool reuse(FolderUpload& folder, std::size_t place, const StoredEntry& before, Worker& worker);
  void push_files(FolderUpload& folder,
                  std::vector<std::size_t> small,
                  std::vector<std::size_t> large);
  FolderUpload& new_folder(FolderUpload* parent, std::size_t place, std::string path);
  void finish_one(FolderUpload& folder, Worker& worker);
  // The same for an entry that is as it will stay.
  void finish_entry(FolderUpload& folder, std::size_t place, Worker& worker);
  Status write_folder(FolderUpload& folder, Worker& worker);
  static DirectorySummary summary_of(FolderUpload& folder, std::span<const StoredEntry> entries);
  void fail_entry(FolderUpload& folder, std::size_t place, Error error);
  void fail_file(FolderUpload& folder, const std::string& path, Error error);

  // Paths that lead to what is saved (upload_roots.cc).
  struct Lead;
  Status make_roots();
  Status make_single_root(const FilePath& path);
  Status make_leads();
  Status add_lead(FolderUpload& folder, const Lead& lead);

  // Files (upload_file.cc).
  void read_small_files(FolderUpload& folder, std::span<const std::size_t> places, Worker& worker);
  Result<std::optional<std::size_t>> open_small_file(FolderUpload& folder,
                                                     std::size_t place,
                                                     Worker& worker,
                                                     UniqueFd& fd);
  void read_large_file(FolderUpload& folder, std::size_t place, Worker& worker);
  void finish_file(FolderUpload& folder,
                   std::size_t place,
                   std::span<const ChunkRef> pieces,
                   Worker& worker);
  bool find_zeros(BytesView piece, ChunkRef& ref);
  void keep_zeros(BytesView piece, const ContentId& id);

  // Checkpoints (upload_checkpoint.cc).
  using EntriesSoFar = std::map<std::size_t, StoredEntry>;  // by their place
  void checkpoint_now_and_then(std::stop_token stop);
  Status checkpoint(std::stop_token stop);
  Result<std::optional<StoredEntry>> tree_so_far(Worker& worker);
  Result<std::optional<StoredEntry>> folder_so_far(FolderUpload& folder,
                                                   EntriesSoFar below,
                                                   Worker& worker);
  Result<std::optional<StoredEntry>> file_so_far(const FolderUpload& folder,
                                                 std::size_t place,
                                                 Worker& worker);
  UploadStats stats() const;

  const UploadOptions& options_;
  const TreeFormat& trees_;
  ContentWriter& writer_;
  ContentReader* const parent_reader_;
  Progress& progress_;
  WorkQueue queue_;
  WindowPool windows_;
  WorkspacePool workspaces_;
  const std::size_t small_size_;   // files up to here are read whole, many at a time
  const std::size_t max_waiting_;  // files that a thread has open while they are being fetched
  std::atomic<std::uint64_t> root_device_ = 0;

  struct Counters {
    std::atomic<std::uint64_t> files_new = 0;
    std::atomic<std::uint64_t> files_changed = 0;
    std::atomic<std::uint64_t> files_unchanged = 0;
    std::atomic<std::uint64_t> dirs_new = 0;
    std::atomic<std::uint64_t> dirs_changed = 0;
    std::atomic<std::uint64_t> dirs_unchanged = 0;
    std::atomic<std::uint64_t> excluded_files = 0;
    std::atomic<std::uint64_t> excluded_dirs = 0;
    std::atomic<ByteCount> excluded_bytes = 0;
    std::atomic<std::uint64_t> passed_over = 0;
    std::atomic<std::uint64_t> failed = 0;
    std::atomic<ByteCount> bytes = 0;
    std::atomic<ByteCount> bytes_read = 0;
  } counters_;

  Mutex mu_;
  std::map<const FolderUpload*, std::shared_ptr<FolderUpload>> folders_ LATEEN_GUARDED_BY(mu_);
  std::map<std::pair<const FolderUpload*, std::size_t>, std::shared_ptr<LargeFileUpload>>
      large_files_ LATEEN_GUARDED_BY(mu_);                       // being read, by their place
  std::map<ByteCount, ContentId> zeros_ LATEEN_GUARDED_BY(mu_);  // pieces of nothing but zeros
  std::unique_ptr<FolderUpload> top_;  // has the root as its only entry, or is the root
  bool top_is_root_ = false;
};

// What the descriptor that is read says counts, should the name lead elsewhere since it was listed.
void take_opened(const Entry& opened, Entry& entry);

// Of a file whose bytes may be of two moments.
Error changed_while_read();

// Whether there is nothing but zeros.
bool all_zeros(BytesView bytes);

}  // namespace lateen::repository
