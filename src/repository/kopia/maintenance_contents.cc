// Maintenance of contents: what no snapshot needs is marked, dropped, and left behind when packs
// are written anew.
#include <algorithm>
#include <map>
#include <set>

#include "repository/kopia/go_time.h"
#include "repository/kopia/maintenance.h"

namespace lateen::repository::kopia {
namespace {

// How old an entry is at `now`; young if its clock was ahead.
Duration age_of(const ContentEntry& entry, TimePoint now) {
  return now - TimePoint(std::chrono::seconds(entry.time));
}

}  // namespace

// Contents are written again as they were written first: by the compressor of the first that had
// one. What does not get smaller by it is stored plain, as ever.
ContentWriterOptions Maintenance::rewriting(std::span<const ContentEntry> contents) const {
  ContentWriterOptions options;
  for (const ContentEntry& entry : contents) {
    if (entry.id.prefix != kDataPrefix || entry.codec == 0) continue;
    const KopiaCompressor* compressor = find_kopia_compressor(std::uint32_t{entry.codec});
    if (compressor == nullptr || !compressor->can_write) continue;
    options.data_codec = compressor->codec;
    break;
  }
  return options;
}

Result<Maintenance::Garbage> Maintenance::find_garbage(std::span<const std::string> without) {
  const Opened::LoadedSnapshots loaded = TRY(repo_.load_snapshots(stop_));
  if (!loaded.damaged.empty()) {
    return Error(loaded.damaged.front()).wrap("nothing is removed while a snapshot cannot be read");
  }
  std::vector<LiveRoot> roots;
  for (const Snapshot& snapshot : loaded.snapshots) {
    if (std::ranges::find(without, snapshot.id) != without.end()) continue;
    roots.push_back({.root = snapshot.root, .name = "snapshot " + snapshot.id});
  }
  LiveSet live(*repo_.index_);
  Progress walk;
  TRY(mark_live(roots, *repo_.trees_, *repo_.reader_, live, walk, stop_, repo_.access_.threads));
  if (walk.problems.count() > 0) {
    Problem first = std::move(walk.problems.take().front());
    return std::move(first.error)
        .wrap("nothing is removed while snapshots cannot be read whole: {}", first.path)
        .with_hint("`lateen repo check` says what is damaged.");
  }
  Garbage garbage;
  const ContentIndex& index = *repo_.index_;
  garbage.is_unused.resize(index.rows());
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (entry.id.prefix == kManifestPrefix) continue;
    if (live.is_live(scan.number())) {
      if (entry.deleted) garbage.revived.push_back(entry);
    } else if (!entry.deleted && age_of(entry, start_) < margins_.gc_min_age) {
      ++garbage.too_young;
    } else if (!entry.deleted) {
      garbage.is_unused[scan.number()] = true;
      ++garbage.unused;
      garbage.unused_bytes += entry.packed_length;
    }
  }
  return garbage;
}

// Stored as they go: the marks of ten million contents are 600 MB.
Status Maintenance::mark_unused(const Garbage& garbage, ContentWriter& writer) {
  constexpr std::uint64_t kAtOnce = 200'000;
  const std::uint32_t now = index_seconds(repo_.access_.clock.now());
  std::uint64_t marked = 0;
  for (RowScan scan(*repo_.index_); scan.next();) {
    if (!garbage.is_unused[scan.number()]) continue;
    ContentEntry entry = scan.entry();
    entry.deleted = true;
    entry.time = std::max(now, entry.time + 1);
    TRY(writer.add_entry(entry));
    if (++marked % kAtOnce == 0) TRY(writer.checkpoint(stop_));
  }
  return {};
}

Status Maintenance::collect_garbage() {
  Garbage garbage = TRY(find_garbage({}));
  if (garbage.unused == 0 && garbage.revived.empty()) return {};
  Opened::Writing writing = repo_.begin_writing(rewriting(garbage.revived));
  // Somebody deduplicated against what was marked: it is written again, as later than the mark.
  const std::size_t revived = garbage.revived.size();
  Progress reading;
  TRY(read_contents(
      std::move(garbage.revived), *repo_.reader_,
      [&](const ContentEntry& entry, BytesView plain, Workspace& workspace) {
        return writing.writer->add_again(entry, plain, workspace);
      },
      reading, stop_));
  if (reading.problems.count() > 0) return std::move(reading.problems.take().front().error);
  TRY(mark_unused(garbage, *writing.writer));
  TRY(repo_.finish_writing(writing, stop_));
  say("{} contents that no snapshot needs were marked deleted ({} bytes)", garbage.unused,
      garbage.unused_bytes);
  if (revived > 0) say("{} contents that are needed again were written again", revived);
  report_.space.bytes_unused_left = garbage.unused_bytes;
  return repo_.load(stop_);
}

// Packs that are less than 60 % full, where there are at least two of a kind.
std::vector<ContentEntry> Maintenance::contents_of_short_packs(
    const std::vector<bool>& gone) const {
  // A million contents are 60 MB here; the rest waits for the next run.
  constexpr std::size_t kMostContents = 1'000'000;
  const ContentIndex& index = *repo_.index_;
  std::vector<ByteCount> sizes(index.packs().size(), 0);
  const auto is_gone = [&gone](RowNumber row) { return row < gone.size() && gone[row]; };
  for (RowScan scan(index); scan.next();) {
    if (!is_gone(scan.number())) sizes[scan.entry().pack] += scan.entry().packed_length;
  }
  const ByteCount threshold = repo_.parameters_.max_pack_size * 6 / 10;
  std::map<char, std::size_t> of_kind;
  const auto is_short = [&](std::uint32_t pack) {
    return sizes[pack] > 0 && sizes[pack] < threshold;
  };
  const auto kind_of = [&](std::uint32_t pack) {
    const std::string_view name = index.packs().name(pack);
    return name.empty() ? '\0' : name.front();
  };
  for (std::uint32_t pack = 0; pack < sizes.size(); ++pack) {
    if (is_short(pack)) ++of_kind[kind_of(pack)];
  }
  std::vector<bool> chosen(sizes.size());
  for (std::uint32_t pack = 0; pack < sizes.size(); ++pack)
    chosen[pack] = is_short(pack) && of_kind[kind_of(pack)] >= 2;
  std::vector<ContentEntry> contents;
  for (RowScan scan(index); contents.size() < kMostContents && scan.next();) {
    const ContentEntry& entry = scan.entry();
    if (entry.deleted || is_gone(scan.number()) || !chosen[entry.pack]) continue;
    if (age_of(entry, start_) >= margins_.rewrite_min_age) contents.push_back(entry);
  }
  return contents;
}

Status Maintenance::rewrite_short_packs(std::vector<ContentEntry> contents) {
  std::set<std::uint32_t> packs;
  for (const ContentEntry& entry : contents)
    packs.insert(entry.pack);
  const std::size_t count = contents.size();
  Opened::Writing writing = repo_.begin_writing(rewriting(contents));
  Progress reading;
  TRY(read_contents(
      std::move(contents), *repo_.reader_,
      [&](const ContentEntry& entry, BytesView plain, Workspace& workspace) {
        return writing.writer->add_again(entry, plain, workspace);
      },
      reading, stop_));
  // What cannot be read stays where it is; what was read is in new packs all the same.
  for (Problem& problem : reading.problems.take()) {
    progress_.problems.add(std::move(problem.path), std::move(problem.error));
  }
  TRY(repo_.finish_writing(writing, stop_));
  report_.space.packs_repacked = packs.size();
  report_.space.bytes_repacked = writing.writer->counters().packed_bytes;
  say("{} contents of {} short packs were rewritten", count, packs.size());
  return repo_.load(stop_);
}

Status Maintenance::drop_deleted() {
  auto until = safe_drop_time(schedule_, margins_, start_);
  // Without margins what this run has marked goes as well, by whichever second it was marked.
  if (until && !margins_.two_gc_runs) {
    until = std::max(*until, repo_.access_.clock.now()) + std::chrono::seconds(1);
  }
  if (!until) {
    if (report_.space.note.empty()) {
      report_.space.note =
          "What was marked deleted is dropped by a run that begins four hours after another, when "
          "nobody can be relying on it any more.";
    }
    return {};
  }
  const std::int64_t seconds = index_seconds(*until);
  if (seconds <= repo_.state_.watermark()) return {};
  return task(task::kDropDeleted, [&]() -> Status {
    TRY(repo_.indexes_.write_watermark(seconds, stop_));
    say("contents marked deleted until {} were dropped", format_go_time_json(*until));
    return repo_.load(stop_);
  });
}

}  // namespace lateen::repository::kopia
