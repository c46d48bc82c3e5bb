#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/direct_io.h"
#include "objects/range_reader.h"
#include "repository/engine/restore_run.h"
#include "repository/engine/upload_run.h"

namespace lateen::repository {

namespace {

// Bytes between two pieces that are rather fetched than asked for twice.
constexpr std::uint32_t kMaxGap = 256 * 1024;

// Files that are partly written and kept open, some of them twice. Those beyond are opened again
// for each piece.
constexpr std::int64_t kMaxOpen = 250;

// Files from this size are written past the page cache.
constexpr ByteCount kDirectFrom = 1_MiB;

// Pieces are opened together and hashed in lanes.
constexpr std::size_t kFetchedTogether = 6_MiB;
constexpr std::size_t kGroupPieces = 64;

// A hole is made of whole blocks.
constexpr std::size_t kHoleBlock = 32_KiB;

bool same_content(const RestorePiece& a, const RestorePiece& b) {
  return a.content.pack == b.content.pack && a.content.offset == b.content.offset;
}

}  // namespace

Result<std::shared_ptr<const UniqueFd>> RestoreRun::folder_fd(RestoreFolder& folder) {
  Lock lock(folder.mu);
  if (folder.fd != nullptr) return folder.fd;
  auto fd = std::make_shared<const UniqueFd>(TRY(target_.open_directory(folder.path)));
  if (open_folders_.fetch_add(1) < kMaxOpen) {
    folder.fd = fd;
  } else {
    --open_folders_;
  }
  return std::shared_ptr<const UniqueFd>(std::move(fd));
}

void RestoreRun::leave_folder(RestoreFolder& folder) {
  if (folder.unfinished.fetch_sub(1) != 1) return;
  Lock lock(folder.mu);
  if (folder.fd != nullptr) --open_folders_;
  folder.fd = nullptr;
}

bool RestoreRun::is_written_directly(const Entry& entry) const {
  return entry.size >= kDirectFrom && !is_sparse(entry);
}

// With its size: of a large file the blocks, too, so that a disk that is too small says so at once.
Result<std::shared_ptr<const RestoreTo>> RestoreRun::create_file(const Entry& entry,
                                                                 int folder) const {
  auto made = std::make_shared<RestoreTo>();
  made->fd = TRY(target_.create_file(folder, entry.name));
  made->sparse = is_sparse(entry);
  const int fd = made->fd.get();
  const auto size = static_cast<off_t>(entry.size);
  const bool direct = is_written_directly(entry) && allows_direct_io(fd);
  if (!direct || fallocate(fd, 0, 0, size) != 0) {
    if (direct && errno == ENOSPC) return errno_error(errno, "making room for it");
    if (ftruncate(fd, size) != 0) return errno_error(errno, "giving it its size");
  }
  if (direct) {
    auto past_cache = target_.reopen_file(folder, entry.name);
    if (past_cache && set_direct_io(past_cache->get(), true)) {
      made->direct = std::move(*past_cache);
    }
  }
  return std::shared_ptr<const RestoreTo>(std::move(made));
}

// `once`: the caller writes all of it, so that nothing is kept.
Result<std::shared_ptr<const RestoreTo>> RestoreRun::open_file(RestoreFile& file, bool once) {
  const Entry& entry = file.stored.entry;
  const auto folder = TRY(folder_fd(*file.folder));
  if (once) {
    auto to = std::make_shared<RestoreTo>();
    to->fd = TRY(target_.create_file(folder->get(), entry.name));
    Lock lock(file.mu);
    file.created = true;
    return std::shared_ptr<const RestoreTo>(std::move(to));
  }
  Lock lock(file.mu);
  if (file.to != nullptr) return file.to;
  if (file.created) {
    auto to = std::make_shared<RestoreTo>();
    to->fd = TRY(target_.reopen_file(folder->get(), entry.name));
    to->sparse = is_sparse(entry);
    return std::shared_ptr<const RestoreTo>(std::move(to));
  }
  file.created = true;
  auto to = TRY(create_file(entry, folder->get()));
  if (open_files_.fetch_add(1) < kMaxOpen) {
    file.to = to;
  } else {
    --open_files_;
  }
  return to;
}

// The whole blocks of a large piece go past the cache if they lie in memory as they will in the
// file.
Status RestoreRun::write_content(const RestoreTo& to, ByteCount offset, BytesView plain) const {
  const std::size_t head = align_up(offset) - offset;
  const bool direct = to.direct.valid() && plain.size() >= head + kDirectFrom / 2 &&
                      is_aligned(plain.data() + head);
  if (!direct) return write_bytes(to, to.fd.get(), offset, plain);
  TRY(write_bytes(to, to.fd.get(), offset, plain.substr(0, head)));
  const auto blocks = static_cast<std::size_t>(align_down(plain.size() - head));
  Status written = write_bytes(to, to.direct.get(), offset + head, plain.substr(head, blocks));
  // A disk with larger blocks than are known here.
  if (!written) written = write_bytes(to, to.fd.get(), offset + head, plain.substr(head, blocks));
  TRY(std::move(written));
  return write_bytes(to, to.fd.get(), offset + head + blocks, plain.substr(head + blocks));
}

Status RestoreRun::write_bytes(const RestoreTo& to, int fd, ByteCount offset, BytesView plain) {
  while (!plain.empty()) {
    std::size_t length = plain.size();
    if (to.sparse) {
      const std::size_t block = std::min(kHoleBlock, plain.size());
      if (all_zeros(plain.substr(0, block))) {
        plain.remove_prefix(block);
        offset += block;
        continue;
      }
      length = block;
      while (length < plain.size() && !all_zeros(plain.substr(length, kHoleBlock))) {
        length = std::min(length + kHoleBlock, plain.size());
      }
    }
    const ssize_t done = pwrite(fd, plain.data(), length, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno_error(errno, "writing it");
    plain.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::size_t>(done);
  }
  return {};
}

Status RestoreRun::finish_metadata(RestoreFile& file, std::shared_ptr<const RestoreTo> to) {
  if (to == nullptr) {
    to = TRY(open_file(file, false));
    Lock lock(file.mu);
    if (file.to != nullptr) --open_files_;
    file.to = nullptr;
  }
  return target_.set_metadata(to->fd.get(), file.stored.entry, metadata());
}

// A file of which only parts came back is none: rather missing, and said so, than wrong.
void RestoreRun::remove_incomplete(RestoreFile& file) {
  bool created = false;
  {
    Lock lock(file.mu);
    created = file.created;
  }
  if (!created) return;
  const auto folder = folder_fd(*file.folder);
  if (folder) (void)target_.remove((*folder)->get(), file.stored.entry.name);  // said already
}

// All pieces are written, or there are none.
void RestoreRun::finish_file(RestoreFile& file) {
  const Entry& entry = file.stored.entry;
  std::shared_ptr<const RestoreTo> to;
  {
    Lock lock(file.mu);
    to = std::move(file.to);
    file.to = nullptr;
    if (to != nullptr) --open_files_;
  }
  if (file.failed) {
    remove_incomplete(file);
    return leave_folder(*file.folder);
  }
  if (!options_.dry_run) {
    Status set = finish_metadata(file, std::move(to));
    if (!set) {
      fail(file.folder->path, entry.name, std::move(set).error());
      return leave_folder(*file.folder);
    }
  }
  ++counters_.files;
  counters_.bytes += entry.size;
  ++progress_.done_files;
  leave_folder(*file.folder);
}

void RestoreRun::fail_piece(const RestorePiece& piece, const Error& error) {
  RestoreFile& file = *piece.file;
  if (!file.failed.exchange(true)) {
    fail(file.folder->path, file.stored.entry.name, Error(error));
  }
  if (file.unfinished.fetch_sub(1) == 1) finish_file(file);
}

void RestoreRun::write_piece(const RestorePiece& piece, BytesView plain) {
  RestoreFile& file = *piece.file;
  const Entry& entry = file.stored.entry;
  const auto write = [&]() -> Status {
    if (options_.dry_run || file.failed) return {};
    const bool whole = piece.file_offset == 0 && plain.size() == entry.size && !is_sparse(entry) &&
                       !is_written_directly(entry);
    const auto to = TRY(open_file(file, whole));
    TRY(write_content(*to, piece.file_offset, plain));
    if (!whole) return {};
    Lock lock(file.mu);
    file.to = to;
    ++open_files_;
    return {};
  };
  Status written = write();
  if (!written) return fail_piece(piece, written.error());
  progress_.done_bytes += plain.size();
  if (file.unfinished.fetch_sub(1) == 1) finish_file(file);
}

// `pieces` are in order of offset; `fetched` is what lies in their pack from `fetched_at`.
void RestoreRun::fill_pieces(std::span<const RestorePiece> pieces,
                             BytesView fetched,
                             std::uint64_t fetched_at,
                             Worker& worker) {
  const ContentFormat& format = reader_.format();

  struct Opened {
    std::size_t first;  // piece that it is for
    std::size_t start;
    std::size_t length;
  };

  std::vector<Opened> group;
  Buffer& plain = worker.opened;
  const auto finish_group = [&] {
    std::vector<BytesView> texts;
    for (const Opened& o : group)
      texts.push_back(plain.view(o.start, o.length));
    std::vector<HashBytes> hashes(group.size());
    format.hash().hash_many(texts, hashes);
    for (std::size_t g = 0; g < group.size(); ++g) {
      const ContentId& id = pieces[group[g].first].content.id;
      const bool sound = ContentId::of(id.prefix, hashes[g], id.size) == id;
      for (std::size_t i = group[g].first;
           i < pieces.size() && same_content(pieces[i], pieces[group[g].first]); ++i) {
        if (sound) {
          write_piece(pieces[i], texts[g]);
        } else {
          fail_piece(pieces[i],
                     Error(Code::Corrupt, "content {} in pack {} is not what its ID says",
                           id.text(), reader_.index().packs().name(pieces[i].content.pack)));
        }
      }
    }
    group.clear();
    plain.clear();
  };
  plain.clear();
  for (std::size_t i = 0; i < pieces.size();) {
    std::size_t next = i + 1;
    while (next < pieces.size() && same_content(pieces[next], pieces[i]))
      ++next;
    const ContentEntry& content = pieces[i].content;
    const std::size_t at = content.offset - fetched_at;
    const BytesView stored =
        at < fetched.size() ? fetched.substr(at, content.packed_length) : BytesView();
    // Its bytes lie at the same place of a page as they will in the file.
    const std::size_t before = plain.size();
    const std::size_t start = is_written_directly(pieces[i].file->stored.entry)
                                  ? align_up(before) + pieces[i].file_offset % kDirectAlignment
                                  : before;
    plain.resize(start);
    Status opened = stored.size() == content.packed_length
                        ? format.open(content, stored, worker.workspace, plain)
                        : Status(Error(Code::Corrupt, "the pack ends before it"));
    if (opened) {
      group.push_back({.first = i, .start = start, .length = plain.size() - start});
    } else {
      plain.resize(before);
      const Error error = std::move(opened).error().wrap(
          "content {} in pack {}", content.id.text(), reader_.index().packs().name(content.pack));
      for (std::size_t k = i; k < next; ++k)
        fail_piece(pieces[k], error);
    }
    i = next;
    if (plain.size() >= kFetchedTogether || group.size() >= kGroupPieces) finish_group();
  }
  finish_group();
}

std::vector<RestoreRange> RestoreRun::make_ranges() const LATEEN_NO_THREAD_SAFETY_ANALYSIS {
  const ByteCount max = std::clamp<ByteCount>(options_.memory / threads_ / 2, 1_MiB, 8_MiB);
  std::vector<RestoreRange> ranges;
  for (std::size_t first = 0; first < pieces_.size();) {
    const ContentEntry& start = pieces_[first].content;
    std::uint64_t end = std::uint64_t{start.offset} + start.packed_length;
    std::size_t last = first + 1;
    for (; last < pieces_.size(); ++last) {
      const ContentEntry& next = pieces_[last].content;
      if (next.pack != start.pack || next.offset > end + kMaxGap) break;
      const std::uint64_t next_end = std::max(end, std::uint64_t{next.offset} + next.packed_length);
      if (next_end - start.offset > max && next.offset != pieces_[last - 1].content.offset) break;
      end = next_end;
    }
    ranges.push_back({.first = first, .last = last});
    first = last;
  }
  return ranges;
}

void RestoreRun::fill_range(const RestoreRange& range,
                            Worker& worker,
                            const std::stop_token& stop) LATEEN_NO_THREAD_SAFETY_ANALYSIS {
  const std::span<const RestorePiece> pieces(pieces_.data() + range.first,
                                             range.last - range.first);
  const std::uint32_t start = pieces.front().content.offset;
  std::uint64_t end = start;
  for (const RestorePiece& piece : pieces) {
    end = std::max(end, std::uint64_t{piece.content.offset} + piece.content.packed_length);
  }
  const std::string_view pack = reader_.index().packs().name(pieces.front().content.pack);
  Buffer& bytes = worker.bytes;
  bytes.clear();
  bytes.resize(objects::range_room(end - start));
  const auto fetched = objects::read_range(reader_.store(), reader_.format().pack_key(pack), start,
                                           end - start, {bytes.data(), bytes.size()}, stop);
  if (!fetched) {
    if (stop.stop_requested()) return;
    const Error error = Error(fetched.error()).wrap("reading pack {}", pack);
    for (const RestorePiece& piece : pieces)
      fail_piece(piece, error);
    return;
  }
  fill_pieces(pieces, *fetched, start, worker);
}

// No more files are planned while this runs: the plan is read without its lock.
Status RestoreRun::fill_round(std::stop_token stop) {
  std::vector<RestoreRange> ranges;
  {
    Lock lock(mu_);
    std::sort(pieces_.begin(), pieces_.end());
    ranges = make_ranges();
  }
  WorkQueue queue(threads_);
  std::atomic<std::size_t> next = 0;
  for (std::size_t i = 0; i < std::min(threads_, ranges.size()); ++i) {
    queue.push(WorkQueue::Rank::File, [&](Worker& worker) {
      while (!queue.stop_token().stop_requested()) {
        const std::size_t mine = next.fetch_add(1);
        if (mine >= ranges.size()) return;
        fill_range(ranges[mine], worker, queue.stop_token());
      }
    });
  }
  TRY(queue.run(threads_, std::move(stop)));
  Lock lock(mu_);
  pieces_.clear();
  files_.clear();
  return {};
}

}  // namespace lateen::repository
