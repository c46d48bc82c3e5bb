// Snapshots: listed, made and forgotten.
#include <algorithm>

#include "repository/kopia/directory.h"
#include "repository/kopia/opened.h"
#include "repository/kopia/snapshot.h"

namespace lateen::repository::kopia {
namespace {

// What Velero's snapshots must agree on besides their source to follow one another.
constexpr std::string_view kRequesterTag = "snapshot-requester=";
constexpr std::string_view kUploaderTag = "snapshot-uploader=";

std::string tag_with(const std::vector<std::string>& tags, std::string_view beginning) {
  const auto it = std::ranges::find_if(
      tags, [&](const std::string& tag) { return tag.starts_with(beginning); });
  return it == tags.end() ? std::string() : *it;
}

// Versions of Velero before 1.17 called file-system backups otherwise, in the path and the tag.
bool same_requester(const std::string& a, const std::string& b) {
  const auto modern = [](const std::string& tag) {
    return tag == "snapshot-requester=pod-volume-backup-restore"
               ? std::string("snapshot-requester=snapshot-pod-volume")
               : tag;
  };
  return modern(a) == modern(b);
}

std::string old_velero_path(const std::string& path) {
  constexpr std::string_view kNow = "snapshot-pod-volume/";
  if (!path.starts_with(kNow)) return {};
  return "pod-volume-backup-restore/" + path.substr(kNow.size());
}

Source source_of(const BackupRequest& request) {
  std::string path = request.source_path;
  if (path.empty() && request.upload.paths.size() == 1)
    path = request.upload.paths.front().string();
  if (path.empty()) path = request.stdin_name.empty() ? "/" : request.stdin_name;
  return {.host = request.host, .user = request.user, .path = path};
}

// A stream as kopia keeps it: the only file of a directory. Velero's block volumes are such too,
// and its restore takes no other.
Result<UploadResult> upload_stdin(const BackupRequest& request,
                                  TimePoint now,
                                  const TreeFormat& trees,
                                  ContentWriter& writer,
                                  Progress& progress,
                                  std::stop_token stop) {
  Entry entry{.name = request.stdin_name, .type = EntryType::File, .mode = 0777, .mtime = now};
  std::vector<StoredEntry> root;
  root.push_back(TRY(upload_stream(*request.stdin_source, std::move(entry), trees, writer, progress,
                                   std::move(stop))));
  const ByteCount size = root.front().entry.size;
  const DirectorySummary summary{
      .size = size, .files = 1, .dirs = 1, .max_mtime = now, .has_entries = true};
  Workspace workspace;
  UploadResult result;
  result.root.entry = {.type = EntryType::Directory, .mode = 0777, .mtime = now};
  result.root.object = TRY(trees.write_directory(root, summary, writer, workspace));
  result.root.summary = std::make_shared<const DirectorySummary>(summary);
  result.stats.files_new = 1;
  result.stats.dirs_new = 1;  // the root
  result.stats.bytes = size;
  result.stats.bytes_read = size;
  return result;
}

SnapshotStats stats_of(const UploadStats& stats) {
  return {.size = stats.bytes,
          .files = stats.files_new + stats.files_changed + stats.files_unchanged,
          .dirs = stats.dirs_new + stats.dirs_changed + stats.dirs_unchanged,
          .failed = stats.failed,
          .upload = stats};
}

bool is_of(const Snapshot& snapshot, const Source& source) {
  return snapshot.host == source.host && snapshot.user == source.user &&
         snapshot.paths.front() == source.path;
}

UploadOptions upload_options(const BackupRequest& request, const std::optional<Snapshot>& parent) {
  UploadOptions options = request.upload;
  // A source of kopia's is one tree: several paths hang below a root that leads to them.
  options.keep_paths = options.keep_paths || options.paths.size() > 1;
  if (parent) options.parent = parent->root;
  return options;
}

}  // namespace

Result<ManifestSet*> Opened::manifests(std::stop_token stop) {
  if (!manifests_) {
    manifest_damage_.clear();
    manifests_ = TRY(ManifestSet::load(*reader_, &manifest_damage_, stop));
    // A new repository has neither; one that lost its index must not be taken for a new one.
    if (index_->rows() == 0 && !TRY(list_packs(stop)).empty()) {
      manifest_damage_.push_back(
          Error(Code::Corrupt, "there are packs, and no index says what is in them")
              .with_hint("`lateen repo repair index` makes it again from the packs."));
    }
  }
  return &*manifests_;
}

Result<Opened::LoadedSnapshots> Opened::load_snapshots(std::stop_token stop) {
  LoadedSnapshots loaded;
  const ManifestSet& all = *TRY(manifests(stop));
  for (const Manifest* manifest : all.find({{"type", "snapshot"}})) {
    auto snapshot = parse_snapshot(*manifest);
    if (snapshot) {
      loaded.snapshots.push_back(std::move(*snapshot));
    } else {
      loaded.damaged.push_back(std::move(snapshot.error()));
    }
  }
  loaded.damaged.insert(loaded.damaged.end(), manifest_damage_.begin(), manifest_damage_.end());
  std::ranges::sort(loaded.snapshots, [](const Snapshot& a, const Snapshot& b) {
    return a.time != b.time ? a.time < b.time : a.id < b.id;
  });
  return loaded;
}

Result<std::vector<Snapshot>> Opened::snapshots(std::stop_token stop) {
  TRY(refresh(stop));
  return std::move(TRY(load_snapshots(stop)).snapshots);
}

Result<std::vector<Snapshot>> Opened::readable_snapshots(std::vector<Error>& problems,
                                                         std::stop_token stop) {
  TRY(refresh(stop));
  LoadedSnapshots loaded = TRY(load_snapshots(stop));
  std::ranges::move(loaded.damaged, std::back_inserter(problems));
  return std::move(loaded.snapshots);
}

Opened::Writing Opened::begin_writing(const ContentWriterOptions& options) {
  dirty_ = true;
  Writing writing;
  SessionOptions session{.user = access_.user, .host = access_.host};
  if (parameters_.version == 1) session.format_copy = blob_bytes_;
  writing.session = std::make_unique<KopiaPackSession>(
      *store_, indexes_, parameters_, *cipher_, access_.clock, access_.rng, std::move(session));
  writing.writer =
      std::make_unique<ContentWriter>(*store_, contents_, *writing.session, *index_, options);
  return writing;
}

// What the manifests refer to is either indexed already, or in the one index that names them too.
Status Opened::finish_writing(Writing& writing, std::stop_token stop) {
  writing.session->hold();
  if (manifests_ && manifests_->changed()) {
    Workspace workspace;
    TRY(manifests_->write(*writing.writer, *index_, access_.clock, workspace));
  }
  TRY(writing.writer->flush(stop));
  TRY(writing.session->commit(index_->packs(), stop));
  dirty_ = false;
  return writing.session->finish(stop);
}

Result<Codec> Opened::codec_for(const BackupRequest& request,
                                const Source& source,
                                std::stop_token stop) {
  constexpr std::string_view kDefault = "zstd-fastest";
  std::string name = request.compression;
  if (name.empty()) {
    const ManifestSet& all = *TRY(manifests(stop));
    name = compressor_of(all, source).value_or(std::string(kDefault));
  }
  if (name == "none" || name == "off") return Codec{};
  if (name == "auto" || name == "fastest") name = kDefault;
  if (name == "better") name = "zstd";
  if (name == "max") name = "zstd-better-compression";
  const KopiaCompressor* compressor = find_kopia_compressor(name);
  if (compressor == nullptr) {
    return Error(Code::InvalidArgument, "\"{}\" is not a compression of kopia's", name)
        .with_hint("Use none, zstd-fastest, zstd, zstd-better-compression, gzip, …");
  }
  // Those that are only read: what comes nearest in speed.
  return compressor->can_write ? compressor->codec : find_kopia_compressor(kDefault)->codec;
}

Result<std::vector<StoredEntry>> Opened::unfinished_of(const Source& source,
                                                       const std::optional<Snapshot>& parent,
                                                       std::stop_token stop) {
  // More would be read for little: each run's checkpoints replace one another.
  constexpr std::size_t kMost = 3;
  std::vector<StoredEntry> roots;
  const std::vector<Snapshot> all = TRY(load_snapshots(std::move(stop))).snapshots;
  for (auto one = all.rbegin(); one != all.rend() && roots.size() < kMost; ++one) {
    if (parent && one->time <= parent->time) break;
    const bool usable = one->root.entry.type == EntryType::Directory && is_of(*one, source);
    if (usable && !one->incomplete.empty()) roots.push_back(one->root);
  }
  return roots;
}

// All that it names is indexed already. The manifests' contents come in one index, as always; what
// others add meanwhile comes in it too.
Status Opened::write_checkpoint(Running& running,
                                const UploadResult& so_far,
                                std::stop_token stop) {
  Snapshot snapshot = running.snapshot;
  snapshot.incomplete = kCheckpoint;
  snapshot.end = access_.clock.now();
  snapshot.root = so_far.root;
  snapshot.stats = stats_of(so_far.stats);
  ManifestSet& all = *TRY(manifests(stop));
  if (!running.checkpoint.empty()) all.remove(running.checkpoint, access_.clock);
  running.checkpoint =
      all.add(running.labels, write_snapshot(snapshot), access_.clock, access_.rng);
  running.writing.session->hold();
  Workspace workspace;
  TRY(all.write(*running.writing.writer, *index_, access_.clock, workspace));
  TRY(running.writing.writer->checkpoint(stop));
  return running.writing.session->commit(index_->packs(), std::move(stop));
}

Status Opened::remove_unfinished(const Source& source, TimePoint until, std::stop_token stop) {
  for (const Snapshot& one : TRY(load_snapshots(stop)).snapshots) {
    const bool superfluous = !one.incomplete.empty() && is_of(one, source) && one.time <= until;
    if (superfluous) TRY(manifests(stop))->remove(one.id, access_.clock);
  }
  return {};
}

Result<std::optional<Snapshot>> Opened::find_parent(const BackupRequest& request,
                                                    const Source& source,
                                                    std::stop_token stop) {
  if (request.force) return std::optional<Snapshot>();
  const std::string requester = tag_with(request.tags, kRequesterTag);
  const std::string uploader = tag_with(request.tags, kUploaderTag);
  const std::string old_path = old_velero_path(source.path);
  const auto is_parent = [&](const Snapshot& snapshot) {
    if (request.parent) return snapshot.id.starts_with(*request.parent);
    const std::string& path = snapshot.paths.front();
    return snapshot.incomplete.empty() && snapshot.host == source.host &&
           snapshot.user == source.user &&
           (path == source.path || (!old_path.empty() && path == old_path)) &&
           same_requester(tag_with(snapshot.tags, kRequesterTag), requester) &&
           tag_with(snapshot.tags, kUploaderTag) == uploader;
  };
  std::vector<Snapshot> all = TRY(load_snapshots(stop)).snapshots;
  const auto newest = std::find_if(all.rbegin(), all.rend(), is_parent);
  if (newest != all.rend()) return std::optional<Snapshot>(std::move(*newest));
  if (!request.parent) return std::optional<Snapshot>();
  return Error(Code::NotFound, "the parent snapshot {} is not in the repository", *request.parent);
}

Result<BackupReport> Opened::backup(const BackupRequest& request,
                                    Progress& progress,
                                    std::stop_token stop) {
  TRY(ensure_writable(stop));
  const Source source = source_of(request);
  Snapshot snapshot{.time = request.time.value_or(access_.clock.now()),
                    .host = source.host,
                    .user = source.user,
                    .paths = {source.path},
                    .tags = request.tags,
                    .description = request.description,
                    .pins = request.pins};
  Labels labels = TRY(snapshot_labels(snapshot));
  const auto parent = TRY(find_parent(request, source, stop));
  if (parent) snapshot.parent = parent->id;
  trees_->set_needs({.xattrs = request.with_xattrs});
  ContentWriterOptions options{.data_codec = TRY(codec_for(request, source, stop)),
                               .pack_memory = BackupMemory::of(access_.memory).packs,
                               .dry_run = request.dry_run};
  Writing writing = begin_writing(options);
  UploadResult uploaded;
  if (request.stdin_source != nullptr) {
    uploaded = TRY(upload_stdin(request, snapshot.time, *trees_, *writing.writer, progress, stop));
  } else {
    UploadOptions upload = upload_options(request, parent);
    if (access_.memory != 0) upload.memory = BackupMemory::of(access_.memory).files;
    upload.pace = access_.pace;
    if (!request.force && !request.parent)
      upload.unfinished = TRY(unfinished_of(source, parent, stop));
    Running running{.writing = writing, .snapshot = snapshot, .labels = labels};
    if (!request.dry_run) {
      upload.on_checkpoint = [&](const UploadResult& so_far, std::stop_token own) {
        return write_checkpoint(running, so_far, std::move(own));
      };
    }
    uploaded = TRY(upload_tree(upload, *trees_, *writing.writer, reader_.get(), progress, stop));
  }
  snapshot.root = uploaded.root;
  snapshot.end = access_.clock.now();
  const UploadStats& stats = uploaded.stats;
  snapshot.stats = stats_of(stats);
  if (request.dry_run) {
    TRY(writing.writer->flush(stop));
  } else {
    ManifestSet& all = *TRY(manifests(stop));
    TRY(remove_unfinished(source, snapshot.time, stop));
    snapshot.id = all.add(std::move(labels), write_snapshot(snapshot), access_.clock, access_.rng);
    TRY(finish_writing(writing, stop));
  }
  const WriteCounters& counters = writing.writer->counters();
  BackupReport report{.snapshot = std::move(snapshot),
                      .stats = stats,
                      .data_blobs = counters.data_contents,
                      .tree_blobs = counters.metadata_contents,
                      .data_added = counters.data_bytes + counters.metadata_bytes,
                      .packed_added = counters.packed_bytes};
  report.snapshot.stats.added = report.data_added;
  report.snapshot.stats.added_packed = report.packed_added;
  return report;
}

Status Opened::forget(std::span<const std::string> snapshot_ids, std::stop_token stop) {
  TRY(ensure_writable(stop));
  ManifestSet& all = *TRY(manifests(stop));
  for (const std::string& id : snapshot_ids) {
    const Manifest* manifest = all.find_id(id);
    if (manifest == nullptr || !manifest->labels.contains("type") ||
        manifest->labels.at("type") != "snapshot") {
      return Error(Code::NotFound, "snapshot {} is not in the repository", id);
    }
  }
  for (const std::string& id : snapshot_ids)
    all.remove(id, access_.clock);
  Writing writing = begin_writing({});
  return finish_writing(writing, stop);
}

Status Opened::set_policy(const Source& source, const Json& policy, std::stop_token stop) {
  TRY(ensure_writable(stop));
  ManifestSet& all = *TRY(manifests(stop));
  const Labels labels = policy_labels(source);
  Bytes data = write_json_unsorted(policy);
  const auto now = all.find(labels);
  // As Velero sets it before every backup: nothing to write when it is so already.
  if (now.size() == 1 && now.front()->data == data) return {};
  all.replace(labels, std::move(data), access_.clock, access_.rng);
  Writing writing = begin_writing({});
  return finish_writing(writing, stop);
}

Result<std::string> Opened::maintenance_owner(std::stop_token stop) {
  TRY(refresh(stop));
  const auto found = TRY(manifests(stop))->find({{"type", "maintenance"}});
  if (found.empty()) return std::string();
  return TRY(parse_maintenance_parameters(found.front()->data)).owner;
}

}  // namespace lateen::repository::kopia
