#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "repository/engine/large_file_upload.h"
#include "repository/engine/upload_run.h"

namespace lateen::repository {

namespace {

// A file of a batch: where its bytes lie in the batch's buffer.
struct BatchFile {
  std::size_t place;
  std::size_t start;
  std::size_t length;
  std::size_t first_piece = 0;
  std::size_t pieces = 0;
};

// A file that is not in memory yet: the kernel was told to fetch it.
struct WaitingFile {
  std::size_t place;
  UniqueFd fd;
};

// Reads a file that is expected to be `expected` long, however long it is now, up to `max`.
Result<std::size_t> read_whole(int fd, ByteCount expected, ByteCount max, Buffer& out) {
  std::size_t length = 0;
  std::size_t want = expected + 1;  // a byte more: to see that it ends there
  while (true) {
    char* const to = out.extend(want);
    const ssize_t got = pread(fd, to, want, static_cast<off_t>(length));
    const std::size_t used = got > 0 ? static_cast<std::size_t>(got) : 0;
    out.resize(out.size() - (want - used));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "reading it");
    length += used;
    if (used < want || length > max) return length;
    want = 64_KiB;
  }
}

// The same if all of it is in memory. Nothing, after asking for it, if not.
std::optional<std::size_t> read_cached(int fd, ByteCount expected, Buffer& out) {
  const std::size_t before = out.size();
  const iovec to{.iov_base = out.extend(expected + 1), .iov_len = expected + 1};
  const ssize_t got = preadv2(fd, &to, 1, 0, RWF_NOWAIT);
  const bool all = got >= 0 && static_cast<ByteCount>(got) == expected;
  out.resize(before + (all ? expected : 0));
  if (all) return expected;
  posix_fadvise(fd, 0, static_cast<off_t>(expected), POSIX_FADV_WILLNEED);
  return std::nullopt;
}

}  // namespace

void take_opened(const Entry& opened, Entry& entry) {
  Entry taken = opened;
  taken.name = std::move(entry.name);
  taken.xattrs = std::move(entry.xattrs);
  entry = std::move(taken);
}

bool all_zeros(BytesView bytes) {
  if (bytes.empty() || bytes[0] != 0) return false;
  return std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// Opens a file of a batch. Its bytes, if they are in memory; else it is to be read later.
Result<std::optional<std::size_t>> UploadRun::open_small_file(FolderUpload& folder,
                                                              std::size_t place,
                                                              Worker& worker,
                                                              UniqueFd& fd) {
  StoredEntry& stored = folder.entries[place];
  fd = TRY(open_file(folder.fd->get(), stored.entry.name));
  const Entry opened = TRY(stat_entry(fd.get(), stored.entry.name, false));
  if (opened.type != EntryType::File) {
    return Error(Code::Conflict, "became a {} before it was read", to_string(opened.type));
  }
  take_opened(opened, stored.entry);
  if (opened.size > small_size_) return std::optional<std::size_t>(opened.size);
  return read_cached(fd.get(), opened.size, worker.bytes);
}

// All of a batch are asked for before any is waited for. Files that grew beyond what is small are
// given to read_large_file().
void UploadRun::read_small_files(FolderUpload& folder,
                                 std::span<const std::size_t> places,
                                 Worker& worker) {
  worker.bytes.clear();
  std::vector<BatchFile> files;
  files.reserve(places.size());
  std::vector<WaitingFile> waiting;
  const auto take = [&](std::size_t place, std::size_t start, Result<std::size_t> length) {
    StoredEntry& stored = folder.entries[place];
    if (!length) {
      worker.bytes.resize(start);
      fail_entry(folder, place, std::move(length).error());
      finish_one(folder, worker);
    } else if (*length > small_size_) {
      worker.bytes.resize(start);
      queue_.push(WorkQueue::Rank::LargeFile,
                  [this, &folder, place](Worker& w) { read_large_file(folder, place, w); });
    } else {
      if (*length != stored.entry.size) {
        progress_.problems.add(folder.path + "/" + stored.entry.name, changed_while_read());
      }
      stored.entry.size = *length;
      files.push_back({.place = place, .start = start, .length = *length});
    }
  };
  const auto read_waiting = [&] {
    for (const WaitingFile& file : waiting) {
      const ByteCount expected = folder.entries[file.place].entry.size;
      const std::size_t start = worker.bytes.size();
      take(file.place, start, read_whole(file.fd.get(), expected, small_size_, worker.bytes));
    }
    waiting.clear();
  };
  for (const std::size_t place : places) {
    const std::size_t start = worker.bytes.size();
    UniqueFd fd;
    auto length = open_small_file(folder, place, worker, fd);
    if (!length) {
      take(place, start, std::move(length).error());
    } else if (*length) {
      take(place, start, **length);
    } else {
      waiting.push_back({.place = place, .fd = std::move(fd)});
      if (waiting.size() >= max_waiting_) read_waiting();
    }
  }
  read_waiting();
  std::vector<BytesView> pieces;
  for (BatchFile& file : files) {
    BytesView rest = worker.bytes.view(file.start, file.length);
    file.first_piece = pieces.size();
    for (const std::size_t length : trees_.chunker().cut(rest)) {
      pieces.push_back(rest.substr(0, length));
      rest.remove_prefix(length);
    }
    file.pieces = pieces.size() - file.first_piece;
  }
  std::vector<ContentId> ids(pieces.size());
  if (!pieces.empty()) {
    Status added = writer_.add_many(0, pieces, ids, worker.workspace);
    if (!added) return queue_.fail(std::move(added).error());
  }
  std::vector<ChunkRef> refs;
  for (const BatchFile& file : files) {
    refs.clear();
    ByteCount offset = 0;
    for (std::size_t i = file.first_piece; i < file.first_piece + file.pieces; ++i) {
      refs.push_back({.id = ids[i], .offset = offset, .length = pieces[i].size()});
      offset += pieces[i].size();
    }
    progress_.done_bytes += file.length;
    counters_.bytes_read += file.length;
    finish_file(folder, file.place, refs, worker);
  }
}

void UploadRun::read_large_file(FolderUpload& folder, std::size_t place, Worker& worker) {
  const auto file = std::make_shared<LargeFileUpload>(*this, folder, place);
  {
    Lock lock(mu_);
    large_files_[{&folder, place}] = file;
  }
  file->read(worker);
}

void UploadRun::finish_file(FolderUpload& folder,
                            std::size_t place,
                            std::span<const ChunkRef> pieces,
                            Worker& worker) {
  StoredEntry& stored = folder.entries[place];
  auto object = trees_.write_file(pieces, writer_, worker.workspace);
  if (!object) return queue_.fail(std::move(object).error());
  stored.object = std::move(*object);
  ++progress_.done_files;
  counters_.bytes += stored.entry.size;
  finish_entry(folder, place, worker);
}

bool UploadRun::find_zeros(BytesView piece, ChunkRef& ref) {
  if (!all_zeros(piece)) return false;
  Lock lock(mu_);
  const auto known = zeros_.find(piece.size());
  if (known == zeros_.end()) return false;
  ref.id = known->second;
  return true;
}

void UploadRun::keep_zeros(BytesView piece, const ContentId& id) {
  if (!all_zeros(piece)) return;
  Lock lock(mu_);
  zeros_[piece.size()] = id;
}

}  // namespace lateen::repository
