// A snapshot of another repository, or of this one without some of it.
#include <algorithm>

#include "repository/engine/content_writer.h"
#include "repository/restic/opened.h"
#include "repository/restic/pack_session.h"

namespace lateen::repository::restic {
namespace {

// The document of a snapshot of kopia's.
SnapshotFile from_kopia(const Snapshot& snapshot) {
  return {.time = snapshot.time,
          .paths = snapshot.paths,
          .hostname = snapshot.host,
          .username = snapshot.user,
          .excludes = snapshot.excludes,
          .tags = snapshot.tags,
          .program_version = snapshot.program};
}

Result<SnapshotFile> document_of(const CopyRequest& request, const std::stop_token& stop) {
  if (request.source.format() != RepositoryFormat::Restic) return from_kopia(request.snapshot);
  auto& source = static_cast<ResticRepository&>(request.source);
  const Id id = TRY(parse_id(request.snapshot.id));
  SnapshotFile file = TRY(decode_snapshot(TRY(source.document(FileType::Snapshot, id, stop))));
  file.parent.reset();
  if (!file.original) file.original = id;
  return file;
}

void add_tags(const std::vector<std::string>& tags, SnapshotFile& file) {
  for (const std::string& tag : tags) {
    if (std::find(file.tags.begin(), file.tags.end(), tag) == file.tags.end()) {
      file.tags.push_back(tag);
    }
  }
}

}  // namespace

Result<CopyReport> Opened::copy_snapshot(const CopyRequest& request,
                                         Progress& progress,
                                         std::stop_token stop) {
  if (!request.compression.empty() && !restic_codec(request.compression)) {
    return Error(Code::InvalidArgument, "\"{}\" is no compression of restic", request.compression)
        .with_hint("There are auto, fastest, better, max and off.");
  }
  if (!request.dry_run) TRY(lock(LockMode::Shared, stop));
  TRY(ensure_index(stop));
  SnapshotFile file = TRY(document_of(request, stop));
  add_tags(request.add_tags, file);
  const bool here = &request.source == this;
  const bool same_format = request.source.format() == RepositoryFormat::Restic;
  ResticPackSession session(files_, [this] { return still_locked(); });
  ContentWriter writer(
      *store_, format_, session, *index_.index,
      writer_options({.dry_run = request.dry_run, .compression = request.compression}));
  TreeTransfer transfer(request.source.trees(), request.source.reader(), trees_, writer,
                        request.memory,
                        {.same_repository = here,
                         .same_format = same_format,
                         .known = same_format ? index_.index.get() : nullptr,
                         .exclude = request.exclude,
                         .threads = access_.threads});
  StoredEntry root = TRY(transfer.transfer(request.snapshot.root, progress, stop));
  if (!request.below.empty()) root = TRY(transfer.below(request.below, std::move(root)));
  TRY(writer.flush(stop));
  CopyReport report{.unchanged = here && root.object == request.snapshot.root.object};
  if (request.dry_run || report.unchanged) return report;
  file.tree = Id::from_raw(root.object);
  if (file.summary && root.summary != nullptr) {
    file.summary->total_files_processed = root.summary->files;
    file.summary->total_bytes_processed = root.summary->size;
  }
  report.id = TRY(save_snapshot(file, stop));
  report.added = writer.counters().data_bytes + writer.counters().metadata_bytes;
  report.added_packed = writer.counters().packed_bytes;
  return report;
}

}  // namespace lateen::repository::restic
