// A snapshot of another repository, or of this one without some of it.
#include "repository/kopia/opened.h"
#include "repository/kopia/snapshot.h"

namespace lateen::repository::kopia {
namespace {

// A source of kopia's is one path.
Snapshot as_kopia(const CopyRequest& request) {
  Snapshot copy = request.snapshot;
  copy.id.clear();
  copy.parent.clear();
  if (copy.paths.size() != 1) copy.paths = {"/"};
  copy.tags.insert(copy.tags.end(), request.add_tags.begin(), request.add_tags.end());
  if (!copy.end) copy.end = copy.time;
  return copy;
}

}  // namespace

Result<CopyReport> Opened::copy_snapshot(const CopyRequest& request,
                                         Progress& progress,
                                         std::stop_token stop) {
  TRY(ensure_writable(stop));
  Snapshot snapshot = as_kopia(request);
  Labels labels = TRY(snapshot_labels(snapshot));
  const Source source{.host = snapshot.host, .user = snapshot.user, .path = snapshot.paths.front()};
  const bool here = &request.source == this;
  Writing writing = begin_writing(
      {.data_codec = TRY(codec_for({.compression = request.compression}, source, stop)),
       .dry_run = request.dry_run});
  TreeTransfer transfer(request.source.trees(), request.source.reader(), *trees_, *writing.writer,
                        request.memory,
                        {.same_repository = here,
                         .same_format = request.source.format() == RepositoryFormat::Kopia,
                         .exclude = request.exclude,
                         .threads = access_.threads});
  snapshot.root = TRY(transfer.transfer(request.snapshot.root, progress, stop));
  if (!request.below.empty()) {
    snapshot.root = TRY(transfer.below(request.below, std::move(snapshot.root)));
  }
  CopyReport report{.unchanged = here && snapshot.root.object == request.snapshot.root.object};
  if (request.dry_run || report.unchanged) {
    TRY(writing.writer->flush(stop));
    return report;
  }
  if (snapshot.root.summary != nullptr) {
    snapshot.stats.size = snapshot.root.summary->size;
    snapshot.stats.files = snapshot.root.summary->files;
    snapshot.stats.dirs = snapshot.root.summary->dirs;
  }
  ManifestSet& all = *TRY(manifests(stop));
  report.id = all.add(std::move(labels), write_snapshot(snapshot), access_.clock, access_.rng);
  TRY(finish_writing(writing, stop));
  const WriteCounters& counters = writing.writer->counters();
  report.added = counters.data_bytes + counters.metadata_bytes;
  report.added_packed = counters.packed_bytes;
  return report;
}

}  // namespace lateen::repository::kopia
