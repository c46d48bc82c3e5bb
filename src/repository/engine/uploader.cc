#include "repository/engine/uploader.h"

#include <algorithm>

#include "repository/engine/upload_run.h"

namespace lateen::repository {

namespace {

// A file up to this size is read into a batch; larger ones are streamed.
constexpr std::size_t kSmallFile = 256_KiB;

std::int64_t ticks(std::chrono::steady_clock::time_point t) {
  return t.time_since_epoch().count();
}

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
      queue_(std::min(window_count(options, trees.chunker()), hardware_threads())),
      windows_(window_count(options, trees.chunker()), window_size(options, trees.chunker())),
      workspaces_(std::min(window_count(options, trees.chunker()), hardware_threads())),
      small_size_(std::min(kSmallFile, trees.chunker().max_size())),
      max_waiting_(std::clamp<std::size_t>(256 / engine_threads(options.threads), 4, 64)),
      next_checkpoint_(ticks(monotonic_now() + options.checkpoint_interval)) {}

void UploadRun::checkpoint_if_due() {
  std::int64_t due = next_checkpoint_.load();
  const auto now = monotonic_now();
  if (ticks(now) < due) return;
  if (!next_checkpoint_.compare_exchange_strong(due, ticks(now + options_.checkpoint_interval)))
    return;
  Status done = writer_.checkpoint(queue_.stop_token());
  if (!done) queue_.fail(std::move(done).error());
}

Result<UploadResult> UploadRun::run(std::stop_token stop) {
  TRY(make_roots());
  TRY(queue_.run(engine_threads(options_.threads), std::move(stop)));
  progress_.total_known = true;
  if (top_->failed[0] != 0) {
    std::vector<Problem> problems = progress_.problems.take();
    if (problems.empty()) return Error(Code::Internal, "the root could not be read");
    return std::move(problems.front().error).wrap("{}", problems.front().path);
  }
  UploadResult result{.root = std::move(top_->entries[0])};
  const Counters& c = counters_;
  result.stats = {.files_new = c.files_new,
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
  return result;
}

Result<UploadResult> upload_tree(const UploadOptions& options,
                                 const TreeFormat& trees,
                                 ContentWriter& writer,
                                 ContentReader* parent_reader,
                                 Progress& progress,
                                 std::stop_token stop) {
  if (options.parent && parent_reader == nullptr) {
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
  for (bool at_end = false; !at_end || !window.empty();) {
    if (stop.stop_requested()) return Error(Code::Canceled, "told to stop");
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
