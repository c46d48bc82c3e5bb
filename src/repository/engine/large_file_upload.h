// One large file: read by one thread into windows and cut; the pieces of a window are hashed and
// stored by whoever is free.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

// Lives as long as a task holds it; the last one finishes the file. Thread-safe but for read().
class LargeFileUpload : public std::enable_shared_from_this<LargeFileUpload> {
 public:
  LargeFileUpload(UploadRun& run, FolderUpload& folder, std::size_t place)
      : run_(run), folder_(folder), place_(place) {}

  // Reads all of it, but for what a run before has stored.
  void read(Worker& worker);

  // The first pieces, as far as all are stored, as an entry without an object. Nothing if there are
  // none.
  struct Part {
    Entry entry = {};
    std::vector<ChunkRef> pieces = {};
  };

  std::optional<Part> so_far() const;

 private:
  // A window and the pieces that lie in it, from `start` and without gaps.
  struct Batch {
    Buffer window = {};
    std::size_t start = 0;
    std::vector<ChunkRef> pieces = {};
  };

  Status open_and_read(Worker& worker);
  void go_on_from(const StoredEntry& begun, const Entry& opened, Worker& worker);
  Status read_windows(int fd);
  Result<std::size_t> read_some(int fd, ByteCount at, ByteCount size);
  Result<std::size_t> read_data(int fd, ByteCount at);
  bool read_directly(int fd, ByteCount at, std::size_t length);
  void find_pieces(bool at_end);
  Status hand_over();
  Status acquire_window(Worker& worker);
  void store(Batch& batch);
  void keep(std::vector<ChunkRef> pieces);
  void batch_done(Worker& worker);

  UploadRun& run_;
  FolderUpload& folder_;
  const std::size_t place_;
  Batch batch_;                   // being filled
  bool may_be_direct_ = false;    // read past the page cache
  bool direct_ = false;           // so it is now
  std::size_t cut_ = 0;           // where in its window the next piece begins
  std::size_t scanned_ = 0;       // of that piece
  ByteCount offset_ = 0;          // of that piece, in the file
  std::optional<Extent> extent_;  // the next bytes that are not a hole
  std::atomic<std::size_t> unfinished_ = 1;
  mutable Mutex mu_;
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);
  Entry opened_ LATEEN_GUARDED_BY(mu_);
  std::vector<ChunkRef> pieces_ LATEEN_GUARDED_BY(mu_);  // stored, from the file's beginning
  std::map<ByteCount, std::vector<ChunkRef>> ahead_ LATEEN_GUARDED_BY(mu_);  // after a gap
};

}  // namespace lateen::repository
