#include "repository/engine/uploader.h"

#include <algorithm>
#include <thread>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

namespace {

// A file up to this size is read into a batch; larger ones are streamed.
constexpr std::size_t kSmallFile = 256_KiB;

// A window holds several pieces, so that their hashes share SIMD lanes, and at least one whatever
// its length.
std::size_t window_size(const UploadOptions& options, const Chunker& chunker) {
  constexpr std::size_t kUsual = 12_MiB;
  const std::size_t least = chunker.max_size() + 2_MiB;
  return std::max(least, std::min<std::size_t>(kUsual, options.memory / 4));
}

std::size_t window_count(const UploadOptions& options, const Chunker& chunker) {
  // A quarter is for what storing their pieces takes.
  return std::clamp<std::size_t>(options.memory / 4 * 3 / window_size(options, chunker), 2, 64);
}

}  // namespace

UploadRun::UploadRun(const UploadOptions& options,
                     const TreeFormat& trees,
                     ContentWriter& writer,
                     ContentReader* parent_reader,
                     Progress& progress)
    : options_(options),
      trees_(trees),
      writer_(writer),
      parent_reader_(parent_reader),
      progress_(progress),
      queue_(std::min(window_count(options, trees.chunker()), hardware_threads()), options.pace),
      windows_(window_count(options, trees.chunker()), window_size(options, trees.chunker())),
      workspaces_(std::min(window_count(options, trees.chunker()), hardware_threads())),
      small_size_(std::min(kSmallFile, trees.chunker().max_size())),
      max_waiting_(std::clamp<std::size_t>(256 / engine_threads(options.threads), 4, 64)) {}

UploadStats UploadRun::stats() const {
  const Counters& c = counters_;
  return {.files_new = c.files_new,
          .files_changed = c.files_changed,
          .files_unchanged = c.files_unchanged,
          .dirs_new = c.dirs_new,
          .dirs_changed = c.dirs_changed,
          .dirs_unchanged = c.dirs_unchanged,
          .excluded_files = c.excluded_files,
          .excluded_dirs = c.excluded_dirs,
          .excluded_bytes = c.excluded_bytes,
          .passed_over = c.passed_over,
          .failed = c.failed,
          .bytes = c.bytes,
          .bytes_read = c.bytes_read};
}

Result<UploadResult> UploadRun::run(std::stop_token stop) {
  TRY(make_roots());
  {
    const std::jthread checkpoints([this](std::stop_token own) { checkpoint_now_and_then(own); });
    TRY(queue_.run(engine_threads(options_.threads), std::move(stop)));
  }
  progress_.total_known = true;
  if (top_->states[0] == EntryState::LeftOut) {
    std::vector<Problem> problems = progress_.problems.take();
    if (problems.empty()) return Error(Code::Internal, "the root could not be read");
    return std::move(problems.front().error).wrap("{}", problems.front().path);
  }
  return UploadResult{.root = std::move(top_->entries[0]), .stats = stats()};
}

Result<UploadResult> upload_tree(const UploadOptions& options,
                                 const TreeFormat& trees,
                                 ContentWriter& writer,
                                 ContentReader* parent_reader,
                                 Progress& progress,
                                 std::stop_token stop) {
  if ((options.parent || !options.unfinished.empty()) && parent_reader == nullptr) {
    return Error(Code::InvalidArgument, "a parent cannot be compared with unless it can be read");
  }
  UploadRun run(options, trees, writer, parent_reader, progress);
  return run.run(std::move(stop));
}

Result<StoredEntry> upload_stream(ByteSource& source,
                                  Entry entry,
                                  const TreeFormat& trees,
                                  ContentWriter& writer,
                                  Progress& progress,
                                  std::stop_token stop) {
  const Chunker& chunker = trees.chunker();
  const auto part = trees.part_size();
  Workspace workspace;
  Buffer window(chunker.max_size() + 1_MiB);
  std::vector<ChunkRef> pieces;
  ByteCount offset = 0;
  std::size_t scanned = 0;
  Deadline next_checkpoint = Deadline::after(UploadOptions().checkpoint_interval);
  for (bool at_end = false; !at_end || !window.empty();) {
    if (stop.stop_requested()) return Error(Code::Canceled, "told to stop");
    if (next_checkpoint.expired()) {
      TRY(writer.checkpoint(stop));
      next_checkpoint = Deadline::after(UploadOptions().checkpoint_interval);
    }
    BytesView data = window.view();
    bool ends = at_end;
    if (part && offset / *part != (offset + data.size()) / *part) {
      data = data.substr(0, *part - offset % *part);
      ends = true;
    }
    const std::size_t length = data.empty() ? 0 : chunker.find_end(data, scanned, ends);
    if (length == 0) {
      const std::size_t before = window.size();
      char* const to = window.extend(1_MiB);
      const std::size_t got = TRY(source.read({to, 1_MiB}));
      window.resize(before + got);
      at_end = got == 0;
      continue;
    }
    const ContentId id = TRY(writer.add(0, window.view(0, length), workspace));
    pieces.push_back({.id = id, .offset = offset, .length = length});
    offset += length;
    scanned = 0;
    progress.done_bytes += length;
    const std::size_t rest = window.size() - length;
    std::memmove(window.data(), window.data() + length, rest);
    window.resize(rest);
  }
  StoredEntry stored{.entry = std::move(entry)};
  stored.entry.size = offset;
  stored.object = TRY(trees.write_file(pieces, writer, workspace));
  ++progress.done_files;
  return stored;
}

}  // namespace lateen::repository
