#include "repository/engine/large_file_upload.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace lateen::repository {

namespace {

constexpr std::size_t kReadAtOnce = 1_MiB;

}  // namespace

void LargeFileUpload::store(BytesView piece, ChunkRef& ref, Worker& worker) {
  auto id = run_.add_piece(piece, worker.workspace);
  if (!id) return run_.queue_.fail(std::move(id).error());
  ref.id = *id;
  run_.progress_.done_bytes += piece.size();
  run_.counters_.bytes_read += piece.size();
}

void LargeFileUpload::piece_done(Worker& worker) {
  if (unfinished_.fetch_sub(1) != 1) return;
  std::optional<Error> failure;
  {
    Lock lock(mu_);
    failure = std::move(failure_);
  }
  if (failure) {
    run_.fail_entry(folder_, place_, std::move(*failure));
    run_.finish_one(folder_, worker);
    return;
  }
  const std::vector<ChunkRef> pieces(pieces_.begin(), pieces_.end());
  run_.finish_file(folder_, place_, pieces, worker);
}

// The piece at the front of the window: to another thread if a buffer is to spare, else done here.
void LargeFileUpload::hand_over(std::size_t length, Worker& worker) {
  pieces_.push_back({.offset = offset_, .length = length});
  ChunkRef& ref = pieces_.back();
  offset_ += length;
  scanned_ = 0;
  Buffer rest(window_.capacity());
  rest.append(window_.view(length, window_.size() - length));
  window_.resize(length);
  std::size_t spare = run_.spare_buffers_.load();
  while (spare > 0 && !run_.spare_buffers_.compare_exchange_weak(spare, spare - 1)) {
  }
  if (spare == 0) {
    store(window_.view(), ref, worker);
  } else {
    ++unfinished_;
    auto piece = std::make_shared<Buffer>(std::move(window_));
    run_.queue_.push(WorkQueue::Rank::Piece,
                     [self = shared_from_this(), piece, &ref](Worker& other) {
                       self->store(piece->view(), ref, other);
                       *piece = Buffer();
                       ++self->run_.spare_buffers_;
                       self->piece_done(other);
                     });
  }
  window_ = std::move(rest);
}

Status LargeFileUpload::cut_buffer(bool at_end, Worker& worker) {
  const Chunker& chunker = run_.trees_.chunker();
  const auto part = run_.trees_.part_size();
  while (!window_.empty()) {
    BytesView data = window_.view();
    bool ends = at_end;
    if (part && offset_ / *part != (offset_ + data.size()) / *part) {
      data = data.substr(0, *part - offset_ % *part);
      ends = true;
    }
    const std::size_t length = chunker.find_end(data, scanned_, ends);
    if (length == 0) return {};
    if (run_.queue_.stop_token().stop_requested()) return Error(Code::Canceled, "told to stop");
    hand_over(length, worker);
  }
  return {};
}

// Holes are not read: their zeros are known.
Status LargeFileUpload::read_pieces(int fd, Worker& worker) {
  const ByteCount size = folder_.entries[place_].entry.size;
  window_.reserve(run_.trees_.chunker().max_size() + kReadAtOnce);
  std::optional<Extent> extent = next_extent(fd, 0, size);
  ByteCount at = 0;
  while (true) {
    while (extent && at >= extent->offset + extent->length)
      extent = next_extent(fd, at, size);
    const ByteCount hole_end = extent ? extent->offset : size;
    std::size_t got = 0;
    if (at < hole_end) {
      got = std::min<ByteCount>(kReadAtOnce, hole_end - at);
      std::memset(window_.extend(got), 0, got);
    } else {
      char* const to = window_.extend(kReadAtOnce);
      ssize_t done = -1;
      do {
        done = pread(fd, to, kReadAtOnce, static_cast<off_t>(at));
      } while (done < 0 && errno == EINTR);
      if (done < 0) return errno_error(errno, "reading it");
      got = static_cast<std::size_t>(done);
      window_.resize(window_.size() - (kReadAtOnce - got));
    }
    at += got;
    TRY(cut_buffer(got == 0, worker));
    if (got == 0) return {};
  }
}

void LargeFileUpload::read(Worker& worker) {
  StoredEntry& stored = folder_.entries[place_];
  const auto run = [&]() -> Status {
    const UniqueFd fd = TRY(open_file(folder_.fd->get(), stored.entry.name));
    Entry opened = TRY(stat_entry(fd.get(), stored.entry.name, false));
    if (opened.type != EntryType::File) {
      return Error(Code::Conflict, "became a {} before it was read", to_string(opened.type));
    }
    stored.entry.size = opened.size;
    stored.entry.mtime = opened.mtime;
    stored.entry.ctime = opened.ctime;
    posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    TRY(read_pieces(fd.get(), worker));
    const Entry after = TRY(stat_entry(fd.get(), stored.entry.name, false));
    if (after.mtime != opened.mtime || after.size != opened.size || offset_ != opened.size) {
      run_.progress_.problems.add(folder_.path + "/" + stored.entry.name, changed_while_read());
    }
    stored.entry.size = offset_;
    return {};
  };
  Status read = run();
  if (!read) {
    Lock lock(mu_);
    failure_ = std::move(read).error();
  }
  window_ = Buffer();
  piece_done(worker);
}

Error changed_while_read() {
  return Error(Code::Conflict, "changed while it was being read")
      .with_hint(
          "What was read is stored; it may hold parts of both states. Snapshot the volume, or "
          "quiesce the program with a hook.");
}

}  // namespace lateen::repository
