// Making snapshots.
#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "base/version.h"
#include "repository/engine/content_writer.h"
#include "repository/restic/opened.h"
#include "repository/restic/pack_session.h"

namespace lateen::repository::restic {
namespace {

// As filepath.Abs and Clean of Go.
std::string clean_absolute(const FilePath& path) {
  std::string text = std::filesystem::absolute(path).lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::vector<std::string> paths_of(const BackupRequest& request) {
  if (request.stdin_source != nullptr) return {"/" + request.stdin_name};
  std::vector<std::string> paths;
  for (const FilePath& path : request.upload.paths)
    paths.push_back(clean_absolute(path));
  return paths;
}

bool has_all_paths(const SnapshotFile& snapshot, std::vector<std::string> paths) {
  std::vector<std::string> theirs = snapshot.paths;
  std::sort(theirs.begin(), theirs.end());
  std::sort(paths.begin(), paths.end());
  return theirs == paths;
}

SnapshotSummary to_summary(const BackupReport& report, TimePoint start, TimePoint end) {
  const UploadStats& s = report.stats;
  return {.backup_start = start,
          .backup_end = end,
          .files_new = s.files_new,
          .files_changed = s.files_changed,
          .files_unmodified = s.files_unchanged,
          .dirs_new = s.dirs_new,
          .dirs_changed = s.dirs_changed,
          .dirs_unmodified = s.dirs_unchanged,
          .data_blobs = report.data_blobs,
          .tree_blobs = report.tree_blobs,
          .data_added = report.data_added,
          .data_added_packed = report.packed_added,
          .total_files_processed = s.files_new + s.files_changed + s.files_unchanged,
          .total_bytes_processed = s.bytes};
}

// The engine counts the root folder; restic counts what is in it.
void forget_root(bool is_new, bool unchanged, UploadStats& stats) {
  std::uint64_t& count = is_new      ? stats.dirs_new
                         : unchanged ? stats.dirs_unchanged
                                     : stats.dirs_changed;
  if (count > 0) --count;
}

void count_written(const WriteCounters& counters, BackupReport& report) {
  report.data_blobs = counters.data_contents;
  report.tree_blobs = counters.metadata_contents;
  report.data_added = counters.data_bytes + counters.metadata_bytes;
  report.packed_added = counters.packed_bytes;
}

// A stream as the only file of a root directory.
Result<UploadResult> upload_stdin(const BackupRequest& request,
                                  TimePoint now,
                                  const TreeFormat& trees,
                                  ContentWriter& writer,
                                  Progress& progress,
                                  std::stop_token stop) {
  Entry entry{.name = request.stdin_name,
              .type = EntryType::File,
              .mode = 0644,
              .uid = ::getuid(),
              .gid = ::getgid(),
              .mtime = now,
              .ctime = now,
              .atime = now,
              .links = 0};
  UploadResult result;
  std::vector<StoredEntry> root;
  root.push_back(TRY(upload_stream(*request.stdin_source, std::move(entry), trees, writer, progress,
                                   std::move(stop))));
  result.stats.files_new = 1;
  result.stats.dirs_new = 1;  // the root
  result.stats.bytes = root.front().entry.size;
  result.stats.bytes_read = result.stats.bytes;
  Workspace workspace;
  result.root.entry.type = EntryType::Directory;
  result.root.object = TRY(trees.write_directory(root, {}, writer, workspace));
  return result;
}

}  // namespace

Result<std::optional<Opened::NamedSnapshot>> Opened::find_parent(const BackupRequest& request,
                                                                 TimePoint time,
                                                                 const std::stop_token& stop) {
  using Found = std::optional<NamedSnapshot>;
  if (request.force || request.stdin_source != nullptr) return Found();
  std::vector<NamedSnapshot> snapshots = TRY(load_snapshots(nullptr, stop));
  if (request.parent) {
    for (NamedSnapshot& named : snapshots) {
      if (named.id.hex() == *request.parent) return Found(std::move(named));
    }
    return Error(Code::NotFound, "there is no snapshot {} to be the parent", *request.parent);
  }
  const std::vector<std::string> paths = paths_of(request);
  for (auto named = snapshots.rbegin(); named != snapshots.rend(); ++named) {
    const SnapshotFile& file = named->file;
    if (file.hostname == request.host && file.time <= time && has_all_paths(file, paths)) {
      return Found(std::move(*named));
    }
  }
  return Found();
}

SnapshotFile Opened::new_snapshot(const BackupRequest& request, TimePoint time) const {
  return {.time = time,
          .paths = paths_of(request),
          .hostname = request.host,
          .username = request.user.empty() ? access_.user : request.user,
          .uid = ::getuid(),
          .gid = ::getgid(),
          .excludes = request.excludes,
          .tags = request.tags,
          .program_version = fmt::format("lateen {}", kVersion)};
}

ContentWriterOptions Opened::writer_options(const BackupRequest& request) const {
  const std::string word = request.compression.empty() ? "auto" : request.compression;
  ContentWriterOptions options{.pack_memory = BackupMemory::of(access_.memory).packs,
                               .dry_run = request.dry_run};
  const std::optional<Codec> codec = restic_codec(word);
  if (config_.version >= 2) {
    if (codec) options.data_codec = *codec;
    // Trees are compressed whatever the option says.
    options.metadata_codec = *restic_codec("auto");
  } else {
    options.metadata_codec = {};
  }
  return options;
}

Result<BackupReport> Opened::backup(const BackupRequest& request,
                                    Progress& progress,
                                    std::stop_token stop) {
  if (!request.compression.empty() && !restic_codec(request.compression)) {
    return Error(Code::InvalidArgument, "\"{}\" is no compression of restic", request.compression)
        .with_hint("There are auto, fastest, better, max and off.");
  }
  const TimePoint start = access_.clock.now();
  const TimePoint time = request.time.value_or(start);
  TRY(lock(LockMode::Shared, stop));
  const std::optional<NamedSnapshot> parent = TRY(find_parent(request, time, stop));
  TRY(ensure_index(stop));
  trees_.set_options({.ignore_ctime = request.ignore_ctime || request.ignore_inode,
                      .ignore_inode = request.ignore_inode,
                      .with_atime = request.with_atime});
  UploadOptions upload = request.upload;
  if (parent) upload.parent = to_snapshot(parent->id, parent->file).root;
  if (upload.threads == 0) upload.threads = access_.threads;
  if (access_.memory != 0) upload.memory = BackupMemory::of(access_.memory).files;
  upload.pace = access_.pace;

  ResticPackSession session(files_, [this] { return still_locked(); });
  ContentWriter writer(*store_, format_, session, *index_.index, writer_options(request));
  const UploadResult uploaded = TRY(
      request.stdin_source != nullptr
          ? upload_stdin(request, time, trees_, writer, progress, stop)
          : upload_tree(upload, trees_, writer, parent ? reader_.get() : nullptr, progress, stop));
  TRY(writer.flush(stop));

  BackupReport report{.stats = uploaded.stats};
  const Id tree = Id::from_raw(uploaded.root.object);
  forget_root(!parent, parent && parent->file.tree == tree, report.stats);
  count_written(writer.counters(), report);
  SnapshotFile snapshot = new_snapshot(request, time);
  snapshot.tree = tree;
  if (parent) snapshot.parent = parent->id;
  snapshot.summary = to_summary(report, start, access_.clock.now());
  const bool skip = request.skip_if_unchanged && parent && parent->file.tree == snapshot.tree;
  std::string id;
  if (!request.dry_run && !skip) id = TRY(save_snapshot(snapshot, stop));
  report.snapshot = to_snapshot({}, snapshot);
  report.snapshot.id = id;
  return report;
}

}  // namespace lateen::repository::restic
