#include "repository/engine/large_file_upload.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/direct_io.h"

namespace lateen::repository {

namespace {

// A window is full when there is room for less.
constexpr std::size_t kLeastRead = 1_MiB;

constexpr std::size_t kReadAtOnce = 4_MiB;

// Copies what is left of a window to where another begins, so that what is read behind it lies at a
// page. Says where.
std::size_t take_rest(BytesView rest, Buffer& window) {
  const std::size_t start = align_up(rest.size()) - rest.size();
  std::memmove(window.data() + start, rest.data(), rest.size());
  window.resize(start + rest.size());
  return start;
}

}  // namespace

// Long runs of zeros are cut into pieces of one length: hashed once.
void LargeFileUpload::store(Batch& batch) {
  std::vector<std::span<char>> texts;
  std::vector<ChunkRef*> refs;
  std::size_t at = batch.start;
  for (ChunkRef& ref : batch.pieces) {
    const std::span<char> piece(batch.window.data() + at, ref.length);
    at += ref.length;
    if (run_.find_zeros({piece.data(), piece.size()}, ref)) continue;
    texts.push_back(piece);
    refs.push_back(&ref);
  }
  std::vector<ContentId> ids(texts.size());
  Workspace& workspace = run_.workspaces_.acquire();
  Status added = run_.writer_.add_pieces(0, texts, ids, workspace);
  run_.workspaces_.give_back(workspace);
  if (!added) return run_.queue_.fail(std::move(added).error());
  for (std::size_t i = 0; i < refs.size(); ++i) {
    refs[i]->id = ids[i];
    run_.keep_zeros({texts[i].data(), texts[i].size()}, ids[i]);
  }
  run_.progress_.done_bytes += at - batch.start;
  run_.counters_.bytes_read += at - batch.start;
  keep(std::exchange(batch.pieces, {}));
}

// Windows are done in any order.
void LargeFileUpload::keep(std::vector<ChunkRef> pieces) {
  if (pieces.empty()) return;
  Lock lock(mu_);
  ahead_.emplace(pieces.front().offset, std::move(pieces));
  while (!ahead_.empty()) {
    const auto next = ahead_.begin();
    const ByteCount end = pieces_.empty() ? 0 : pieces_.back().offset + pieces_.back().length;
    if (next->first != end) return;
    pieces_.insert(pieces_.end(), next->second.begin(), next->second.end());
    ahead_.erase(next);
  }
}

std::optional<LargeFileUpload::Part> LargeFileUpload::so_far() const {
  Lock lock(mu_);
  if (pieces_.empty()) return std::nullopt;
  return Part{.entry = opened_, .pieces = pieces_};
}

void LargeFileUpload::batch_done(Worker& worker) {
  if (unfinished_.fetch_sub(1) != 1) return;
  std::optional<Error> failure;
  std::vector<ChunkRef> pieces;
  {
    Lock lock(mu_);
    failure = std::move(failure_);
    pieces.swap(pieces_);
  }
  std::shared_ptr<LargeFileUpload> self;  // for as long as this takes
  {
    Lock lock(run_.mu_);
    const auto here = run_.large_files_.find({&folder_, place_});
    if (here != run_.large_files_.end()) {
      self = std::move(here->second);
      run_.large_files_.erase(here);
    }
  }
  if (failure) {
    run_.fail_entry(folder_, place_, std::move(*failure));
    run_.finish_one(folder_, worker);
    return;
  }
  run_.finish_file(folder_, place_, pieces, worker);
}

// While others hold all windows there may be pieces of theirs to work on.
Status LargeFileUpload::acquire_window(Worker& worker) {
  const std::stop_token stop = run_.queue_.stop_token();
  while (!stop.stop_requested()) {
    if (auto window = run_.windows_.try_acquire()) {
      batch_.window = std::move(*window);
      return {};
    }
    if (!run_.queue_.help(worker)) run_.windows_.wait(stop);
  }
  return Error(Code::Canceled, "told to stop");
}

// The window's pieces: to another thread if there is another window to go on with, else stored
// here.
Status LargeFileUpload::hand_over() {
  const BytesView rest = batch_.window.view(cut_, batch_.window.size() - cut_);
  auto next = run_.windows_.try_acquire();
  if (next) {
    const std::size_t start = take_rest(rest, *next);
    ++unfinished_;
    auto batch = std::make_shared<Batch>(
        std::exchange(batch_, Batch{.window = std::move(*next), .start = start}));
    run_.queue_.push(WorkQueue::Rank::Piece, [self = shared_from_this(), batch](Worker& other) {
      self->store(*batch);
      self->run_.windows_.give_back(std::move(batch->window));
      self->batch_done(other);
    });
  } else {
    // Storing overwrites pieces, not what lies behind them.
    store(batch_);
    batch_.start = take_rest(rest, batch_.window);
  }
  cut_ = batch_.start;
  run_.queue_.keep_pace();
  if (run_.queue_.stop_token().stop_requested()) return Error(Code::Canceled, "told to stop");
  return {};
}

void LargeFileUpload::find_pieces(bool at_end) {
  const Chunker& chunker = run_.trees_.chunker();
  const auto part = run_.trees_.part_size();
  while (cut_ < batch_.window.size()) {
    BytesView data = batch_.window.view(cut_, batch_.window.size() - cut_);
    bool ends = at_end;
    if (part && offset_ / *part != (offset_ + data.size()) / *part) {
      data = data.substr(0, *part - offset_ % *part);
      ends = true;
    }
    const std::size_t length = chunker.find_end(data, scanned_, ends);
    if (length == 0) return;
    batch_.pieces.push_back({.offset = offset_, .length = length});
    offset_ += length;
    cut_ += length;
    scanned_ = 0;
  }
}

// Where the page cache has these bytes they are copied from there.
bool LargeFileUpload::read_directly(int fd, ByteCount at, std::size_t length) {
  const ByteCount size = folder_.entries[place_].entry.size;
  const ByteCount there = std::min<ByteCount>(length, size - std::min(at, size));
  const bool wanted = may_be_direct_ && align_down(at) == at &&
                      is_aligned(batch_.window.data() + batch_.window.size()) &&
                      !is_cached(fd, at, there);
  if (wanted != direct_ && set_direct_io(fd, wanted)) direct_ = wanted;
  return direct_;
}

Result<std::size_t> LargeFileUpload::read_data(int fd, ByteCount at) {
  Buffer& window = batch_.window;
  const std::size_t length =
      std::min<std::size_t>(kReadAtOnce, align_down(window.capacity() - window.size()));
  read_directly(fd, at, length);
  char* const to = window.extend(length);
  ssize_t done = -1;
  while (true) {
    done = pread(fd, to, length, static_cast<off_t>(at));
    if (done < 0 && errno == EINVAL && direct_) {
      may_be_direct_ = false;
      if (read_directly(fd, at, length)) break;  // cannot be left
    } else if (done >= 0 || errno != EINTR) {
      break;
    }
  }
  const std::size_t got = done > 0 ? static_cast<std::size_t>(done) : 0;
  window.resize(window.size() - (length - got));
  if (done < 0) return errno_error(errno, "reading it");
  return got;
}

// Holes are not read: their zeros are known.
Result<std::size_t> LargeFileUpload::read_some(int fd, ByteCount at, ByteCount size) {
  while (extent_ && at >= extent_->offset + extent_->length)
    extent_ = next_extent(fd, at, size);
  const ByteCount hole_end = extent_ ? extent_->offset : size;
  if (at >= hole_end) return read_data(fd, at);
  const std::size_t length = std::min<ByteCount>(kLeastRead, hole_end - at);
  std::memset(batch_.window.extend(length), 0, length);
  return length;
}

Status LargeFileUpload::read_windows(int fd) {
  const ByteCount size = folder_.entries[place_].entry.size;
  // What is stored already ends where a piece does, which need not be at a page.
  const ByteCount from = align_down(offset_);
  batch_.start = offset_ - from;
  cut_ = batch_.start;
  extent_ = next_extent(fd, from, size);
  for (ByteCount at = from;;) {
    const std::size_t got = TRY(read_some(fd, at, size));
    if (got == 0 && batch_.window.size() < cut_)
      return Error(Code::Conflict, "became shorter while it was being read");
    at += got;
    find_pieces(got == 0);
    const bool full = batch_.window.capacity() - batch_.window.size() < kLeastRead;
    if (full && !may_be_direct_) {
      // The disk goes on while the window is worked on.
      posix_fadvise(fd, static_cast<off_t>(at), static_cast<off_t>(run_.windows_.size()),
                    POSIX_FADV_WILLNEED);
    }
    if (full || got == 0) TRY(hand_over());
    if (got == 0) return {};
  }
}

// What an unfinished run has of the file counts if the file is as it was then, and nothing of it is
// lost. Its pieces end where the format would cut again.
void LargeFileUpload::go_on_from(const StoredEntry& begun, const Entry& opened, Worker& worker) {
  const Entry& then = begun.entry;
  if (then.mtime != opened.mtime || then.mode != opened.mode || then.uid != opened.uid ||
      then.gid != opened.gid || then.size > opened.size) {
    return;
  }
  auto pieces = run_.trees_.file_pieces(begun, *run_.parent_reader_, worker.workspace);
  if (!pieces || pieces->empty()) return;
  const ContentIndex& index = run_.parent_reader_->index();
  for (const ChunkRef& piece : *pieces) {
    if (!index.has_live(piece.id)) return;
  }
  offset_ = pieces->back().offset + pieces->back().length;
  run_.progress_.done_bytes += offset_;
  keep(std::move(*pieces));
}

Status LargeFileUpload::open_and_read(Worker& worker) {
  StoredEntry& stored = folder_.entries[place_];
  const UniqueFd fd = TRY(open_file(folder_.fd->get(), stored.entry.name));
  const Entry opened = TRY(stat_entry(fd.get(), stored.entry.name, false));
  if (opened.type != EntryType::File) {
    return Error(Code::Conflict, "became a {} before it was read", to_string(opened.type));
  }
  take_opened(opened, stored.entry);
  {
    Lock lock(mu_);
    opened_ = stored.entry;
  }
  const auto begun = folder_.begun.find(place_);
  if (begun != folder_.begun.end()) go_on_from(begun->second, opened, worker);
  TRY(acquire_window(worker));
  may_be_direct_ = allows_direct_io(fd.get());
  // What is not there yet is not wanted there.
  posix_fadvise(fd.get(), 0, 0, may_be_direct_ ? POSIX_FADV_RANDOM : POSIX_FADV_SEQUENTIAL);
  TRY(read_windows(fd.get()));
  const Entry after = TRY(stat_entry(fd.get(), stored.entry.name, false));
  if (after.mtime != opened.mtime || after.size != opened.size || offset_ != opened.size) {
    run_.progress_.problems.add(folder_.path + "/" + stored.entry.name, changed_while_read());
  }
  stored.entry.size = offset_;
  return {};
}

void LargeFileUpload::read(Worker& worker) {
  Status read = open_and_read(worker);
  if (!read) {
    Lock lock(mu_);
    failure_ = std::move(read).error();
  }
  if (batch_.window.capacity() > 0) run_.windows_.give_back(std::move(batch_.window));
  batch_done(worker);
}

Error changed_while_read() {
  return Error(Code::Conflict, "changed while it was being read")
      .with_hint(
          "What was read is stored; it may hold parts of both states. Snapshot the volume, or "
          "quiesce the program with a hook.");
}

}  // namespace lateen::repository
