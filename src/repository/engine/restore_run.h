// What one restore shares. It goes in rounds, so that its memory does not grow with the tree:
// folders are read and made until so many files are known; these are then filled pack by pack; and
// on.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "repository/engine/restorer.h"
#include "repository/engine/work_queue.h"
#include "repository/tree/restore_target.h"

namespace lateen::repository {

// A folder of the target; its descriptor is kept while files of it are being written.
struct RestoreFolder {
  std::string path = {};                      // relative, "" for the target
  std::atomic<std::uint32_t> unfinished = 0;  // files
  Mutex mu;
  std::shared_ptr<const UniqueFd> fd LATEEN_GUARDED_BY(mu);
};

// A file of the target, open. What is large is written past the page cache, but for the parts of
// blocks at both ends of a piece.
struct RestoreTo {
  UniqueFd fd = {};
  UniqueFd direct = {};  // if that can be
  bool sparse = false;   // zeros are left out
};

// A file that is being filled.
struct RestoreFile {
  std::shared_ptr<RestoreFolder> folder = {};
  StoredEntry stored = {};
  std::atomic<std::uint32_t> unfinished = 0;  // pieces
  std::atomic<bool> failed = false;
  Mutex mu;
  bool created LATEEN_GUARDED_BY(mu) = false;
  std::shared_ptr<const RestoreTo> to LATEEN_GUARDED_BY(mu);
};

// Where a content goes. Ordered by where it lies.
struct RestorePiece {
  ContentEntry content = {};
  ByteCount file_offset = 0;
  RestoreFile* file = nullptr;

  bool operator<(const RestorePiece& other) const {
    const auto place = [](const RestorePiece& p) {
      return std::pair(p.content.pack, p.content.offset);
    };
    return place(*this) < place(other);
  }
};

// A run of pieces of one pack that are fetched together.
struct RestoreRange {
  std::size_t first = 0;  // piece
  std::size_t last = 0;   // behind
};

// Thread-safe.
class RestoreRun {
 public:
  RestoreRun(const RestoreOptions& options,
             const TreeFormat& trees,
             ContentReader& reader,
             Progress& progress,
             RestoreTarget target);

  Result<RestoreStats> run(const StoredEntry& root, std::stop_token stop);

 private:
  // A folder that is not made yet, since nothing that is wanted was found in it so far.
  struct FolderOnTheWay {
    std::shared_ptr<FolderOnTheWay> above = {};
    std::string path = {};
    Entry entry = {};
    bool made = false;  // under mu_
  };

  struct FolderTask {
    std::string path = {};
    Bytes object = {};
    std::shared_ptr<FolderOnTheWay> on_the_way = {};  // itself, if it is one
  };

  struct FinishedFolder {
    std::string path = {};
    Entry entry = {};
  };

  struct HardLink {
    std::string path = {};  // folder's
    std::string name = {};
    std::string existing_path = {};
    std::string existing_name = {};
  };

  // The tree (restore_tree.cc).
  Status plan_round(std::stop_token stop);
  void take_folder(FolderTask task, Worker& worker);
  void go_into(FolderTask task);
  Status make_folder(const std::string& path, Entry entry);
  Status make_on_the_way(FolderOnTheWay& folder);
  void take_entry(const std::shared_ptr<RestoreFolder>& folder, StoredEntry stored, Worker& worker);
  void take_file(const std::shared_ptr<RestoreFolder>& folder, StoredEntry stored, Worker& worker);
  void take_other(const std::shared_ptr<RestoreFolder>& folder, StoredEntry stored, Worker& worker);
  bool is_hard_link(const RestoreFolder& folder, const Entry& entry);
  bool keep_existing(int folder_fd, const Entry& entry);
  Status finish_links();
  Status finish_folders(std::stop_token stop);

  // The bytes (restore_files.cc).
  Status fill_round(std::stop_token stop);
  std::vector<RestoreRange> make_ranges() const;
  void fill_range(const RestoreRange& range, Worker& worker, const std::stop_token& stop);
  void fill_pieces(std::span<const RestorePiece> pieces,
                   BytesView fetched,
                   std::uint64_t fetched_at,
                   Worker& worker);
  void write_piece(const RestorePiece& piece, BytesView plain);
  Result<std::shared_ptr<const RestoreTo>> open_file(RestoreFile& file, bool once);
  Result<std::shared_ptr<const RestoreTo>> create_file(const Entry& entry, int folder) const;
  bool is_written_directly(const Entry& entry) const;
  Result<std::shared_ptr<const UniqueFd>> folder_fd(RestoreFolder& folder);
  Status write_content(const RestoreTo& to, ByteCount offset, BytesView plain) const;
  static Status write_bytes(const RestoreTo& to, int fd, ByteCount offset, BytesView plain);

  bool is_sparse(const Entry& entry) const { return options_.sparse || entry.sparse; }

  void finish_file(RestoreFile& file);
  Status finish_metadata(RestoreFile& file, std::shared_ptr<const RestoreTo> to);
  void remove_incomplete(RestoreFile& file);
  void leave_folder(RestoreFolder& folder);
  void fail_piece(const RestorePiece& piece, const Error& error);

  void fail(const std::string& folder, const Bytes& name, Error error);
  MetadataOptions metadata() const;

  const RestoreOptions& options_;
  const TreeFormat& trees_;
  ContentReader& reader_;
  Progress& progress_;
  const RestoreTarget target_;
  const std::size_t threads_;

  struct Counters {
    std::atomic<std::uint64_t> files = 0;
    std::atomic<std::uint64_t> dirs = 0;
    std::atomic<std::uint64_t> others = 0;
    std::atomic<std::uint64_t> skipped = 0;
    std::atomic<ByteCount> bytes = 0;
    std::atomic<std::uint64_t> failed = 0;
  } counters_;

  std::unique_ptr<WorkQueue> queue_;  // of the round
  std::atomic<std::int64_t> open_files_ = 0;
  std::atomic<std::int64_t> open_folders_ = 0;
  Mutex mu_;
  std::vector<FolderTask> postponed_ LATEEN_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<RestoreFile>> files_ LATEEN_GUARDED_BY(mu_);
  std::vector<RestorePiece> pieces_ LATEEN_GUARDED_BY(mu_);
  std::vector<FinishedFolder> folders_ LATEEN_GUARDED_BY(mu_);
  std::vector<HardLink> links_ LATEEN_GUARDED_BY(mu_);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::pair<std::string, std::string>> inodes_
      LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository
