// One large file: read by one thread, cut, its pieces hashed and stored by whoever is free.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

// Lives as long as a task holds it; the last one finishes the file. Thread-safe but for read().
class LargeFileUpload : public std::enable_shared_from_this<LargeFileUpload> {
 public:
  LargeFileUpload(UploadRun& run, FolderUpload& folder, std::size_t place)
      : run_(run), folder_(folder), place_(place) {}

  // Reads all of it.
  void read(Worker& worker);

 private:
  Status read_pieces(int fd, Worker& worker);
  Status cut_buffer(bool at_end, Worker& worker);
  void hand_over(std::size_t length, Worker& worker);
  void store(BytesView piece, ChunkRef& ref, Worker& worker);
  void piece_done(Worker& worker);

  UploadRun& run_;
  FolderUpload& folder_;
  const std::size_t place_;
  Buffer window_;  // begins where the next piece begins
  std::size_t scanned_ = 0;
  ByteCount offset_ = 0;         // of the window, in the file
  std::deque<ChunkRef> pieces_;  // grows at its end: others hold references to what is there
  std::atomic<std::size_t> unfinished_ = 1;
  Mutex mu_;
  std::optional<Error> failure_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository
