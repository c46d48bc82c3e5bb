#include "repository/kopia/maintenance.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/file.h"
#include "repository/kopia/go_time.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::chrono::minutes kMaxSkew(5);
constexpr ByteCount kMaxSchedule = 16_MiB;

std::uint32_t seconds_of(TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
}

// How old an entry is at `now`; young if its clock was ahead.
Duration age_of(const ContentEntry& entry, TimePoint now) {
  return now - TimePoint(std::chrono::seconds(entry.time));
}

// Keeps a second run on this machine out; the storage has no locks.
Result<FileLock> lock_on_this_machine(const RepositoryAccess& access, const std::string& id) {
  const FilePath dir =
      access.cache_dir.empty() ? std::filesystem::temp_directory_path() : access.cache_dir / id;
  TRY(make_dirs(dir, 0700));
  auto lock = FileLock::try_acquire(dir / ("lateen-maintenance-" + id.substr(0, 16) + ".lock"));
  if (!lock && lock.error().is(Code::AlreadyExists)) {
    return std::move(lock.error())
        .wrap("maintenance of this repository is running already on this machine");
  }
  return lock;
}

}  // namespace

Status Maintenance::read_parameters() {
  const auto found = TRY(repo_.manifests(stop_))->find({{"type", "maintenance"}});
  if (!found.empty()) parameters_ = TRY(parse_maintenance_parameters(found.front()->data));
  return {};
}

Status Maintenance::read_schedule() {
  schedule_key_ =
      derive_purpose_key(repo_.blob_, repo_.parameters_, repo_.format_key_, "maintenance schedule");
  auto stored = repo_.store_->get(kScheduleBlob, kMaxSchedule, stop_);
  if (!stored && stored.error().is(Code::NotFound)) return {};
  if (!stored) return std::move(stored.error());
  schedule_ = TRY(open_schedule(*stored, schedule_key_));
  return {};
}

Status Maintenance::write_schedule() {
  return repo_.store_->put(kScheduleBlob,
                           seal_schedule(schedule_, schedule_key_, repo_.access_.rng), stop_);
}

MaintenanceMode Maintenance::due() const {
  const TimePoint now = repo_.access_.clock.now();
  if (parameters_.full_enabled && now >= schedule_.next_full) return MaintenanceMode::Full;
  if (parameters_.quick_enabled && now >= schedule_.next_quick) return MaintenanceMode::Quick;
  return MaintenanceMode::Auto;
}

// The next runs are written down first: a run that dies is not tried again at once.
Status Maintenance::begin(MaintenanceMode mode) {
  const TimePoint now = repo_.access_.clock.now();
  if (mode == MaintenanceMode::Full) schedule_.next_full = now + parameters_.full_interval;
  schedule_.next_quick = now + parameters_.quick_interval;
  TRY(write_schedule());
  start_ = TRY(repo_.store_->head(kScheduleBlob, stop_)).modified;
  const Duration skew = start_ > now ? start_ - now : now - start_;
  if (skew > kMaxSkew) {
    return Error(Code::Unavailable,
                 "this machine's clock and the storage's are {} apart: maintenance goes by ages",
                 std::chrono::duration_cast<std::chrono::seconds>(skew).count())
        .with_hint("Set the clock (NTP), and run maintenance again.");
  }
  return {};
}

Status Maintenance::task(std::string_view name, const std::function<Status()>& work) {
  TaskRun run{.start = repo_.access_.clock.now()};
  const Status done = work();
  run.end = repo_.access_.clock.now();
  run.success = done.has_value();
  if (!done) run.error = done.error().message();
  schedule_.add(name, std::move(run));
  const Status written = write_schedule();
  return done ? written : done;
}

Result<MaintenanceReport> Maintenance::run() {
  TRY(repo_.ensure_writable(stop_));
  TRY(read_parameters());
  const std::string self = repo_.access_.user + "@" + repo_.access_.host;
  if (!parameters_.owner.empty() && parameters_.owner != self && !request_.force) {
    return Error(Code::Forbidden, "maintenance of this repository is for {} to run, not for {}",
                 parameters_.owner, self);
  }
  const FileLock lock = TRY(lock_on_this_machine(repo_.access_, repo_.id()));
  TRY(read_schedule());
  const MaintenanceMode mode = request_.mode == MaintenanceMode::Auto ? due() : request_.mode;
  report_.ran = mode;
  if (mode == MaintenanceMode::Auto) return report_;
  TRY(begin(mode));
  TRY(repo_.load(stop_));
  TRY(mode == MaintenanceMode::Full ? run_full() : run_quick());
  return std::move(report_);
}

// Packs are removed before others are rewritten, where kopia does it the other way round: what this
// run rewrites could not go for an hour, and would hold up all the rest.
Status Maintenance::run_full() {
  TRY(task(task::kSnapshotGc, [this] { return collect_garbage(); }));
  TRY(drop_deleted());
  if (may_delete_packs(schedule_, margins_, repo_.access_.clock.now())) {
    TRY(task(task::kDeleteFull, [this] { return delete_packs(); }));
  } else {
    report_.space.note = "Packs were rewritten less than an hour ago: they go with the next run.";
  }
  // A run that rewrites nothing is not written down: packs go only an hour after one that does.
  std::vector<ContentEntry> contents;
  if (may_rewrite(schedule_, margins_)) contents = contents_of_short_packs();
  if (!contents.empty()) {
    TRY(task(task::kRewriteFull, [&] { return rewrite_short_packs(std::move(contents)); }));
    if (margins_.rewrite_to_delete == Duration::zero()) {
      TRY(task(task::kDeleteFull, [this] { return delete_packs(); }));
    }
  }
  TRY(task(task::kCompactEpoch, [this] { return compact_epochs(); }));
  TRY(task(task::kAdvanceEpoch, [this] { return advance_epoch(); }));
  TRY(task(task::kCompactRange, [this] { return compact_range(); }));
  return task(task::kDeleteIndexes, [this] { return delete_superseded(); });
}

Status Maintenance::run_quick() {
  TRY(task(task::kCompactEpoch, [this] { return compact_epochs(); }));
  return task(task::kAdvanceEpoch, [this] { return advance_epoch(); });
}

// ---- Contents.

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

Result<Maintenance::Garbage> Maintenance::find_garbage() {
  const Opened::LoadedSnapshots loaded = TRY(repo_.load_snapshots(stop_));
  if (!loaded.damaged.empty()) {
    return Error(loaded.damaged.front()).wrap("nothing is removed while a snapshot cannot be read");
  }
  std::vector<LiveRoot> roots;
  for (const Snapshot& snapshot : loaded.snapshots) {
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
  for (RowNumber row = 0; row < index.rows(); ++row) {
    const ContentEntry entry = index.row(row);
    if (entry.id.prefix == kManifestPrefix) continue;
    if (live.is_live(row)) {
      if (entry.deleted) garbage.revived.push_back(entry);
    } else if (!entry.deleted && age_of(entry, start_) < margins_.gc_min_age) {
      ++garbage.too_young;
    } else if (!entry.deleted) {
      garbage.unused.push_back(entry);
      garbage.unused_bytes += entry.packed_length;
    }
  }
  return garbage;
}

Status Maintenance::collect_garbage() {
  Garbage garbage = TRY(find_garbage());
  if (garbage.unused.empty() && garbage.revived.empty()) return {};
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
  const std::uint32_t now = seconds_of(repo_.access_.clock.now());
  for (ContentEntry& entry : garbage.unused) {
    entry.deleted = true;
    entry.time = std::max(now, entry.time + 1);
    TRY(writing.writer->add_entry(entry));
  }
  TRY(repo_.finish_writing(writing, stop_));
  say("{} contents that no snapshot needs were marked deleted ({} bytes)", garbage.unused.size(),
      garbage.unused_bytes);
  if (revived > 0) say("{} contents that are needed again were written again", revived);
  report_.space.bytes_unused_left = garbage.unused_bytes;
  return repo_.load(stop_);
}

// Packs that are less than 60 % full, where there are at least two of a kind.
std::vector<ContentEntry> Maintenance::contents_of_short_packs() const {
  // A million contents are 60 MB here; the rest waits for the next run.
  constexpr std::size_t kMostContents = 1'000'000;
  const ContentIndex& index = *repo_.index_;
  std::vector<ByteCount> sizes(index.packs().size(), 0);
  for (RowNumber row = 0; row < index.rows(); ++row) {
    const ContentEntry entry = index.row(row);
    sizes[entry.pack] += entry.packed_length;
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
  std::vector<ContentEntry> contents;
  for (RowNumber row = 0; row < index.rows() && contents.size() < kMostContents; ++row) {
    const ContentEntry entry = index.row(row);
    if (entry.deleted || !is_short(entry.pack) || of_kind[kind_of(entry.pack)] < 2) continue;
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
  const auto until = safe_drop_time(schedule_, margins_, start_);
  if (!until) {
    if (report_.space.note.empty()) {
      report_.space.note =
          "What was marked deleted is dropped by a run that begins four hours after another, when "
          "nobody can be relying on it any more.";
    }
    return {};
  }
  const std::int64_t seconds = seconds_of(*until);
  if (seconds <= repo_.state_.watermark()) return {};
  return task(task::kDropDeleted, [&]() -> Status {
    TRY(repo_.indexes_.write_watermark(seconds, stop_));
    say("contents marked deleted until {} were dropped", format_go_time_json(*until));
    return repo_.load(stop_);
  });
}

// ---- Packs.

namespace {

// Sessions that may still be going on, by their markers; a marker that cannot be read counts as
// one.
struct Sessions {
  std::set<std::string, std::less<>> active = {};
  std::vector<BlobInfo> expired = {};
};

}  // namespace

Status Maintenance::delete_packs() {
  // First what there is, then what is referred to: what comes between is referred to.
  std::vector<BlobInfo> blobs;
  for (const std::string_view prefix : {"p", "q"}) {
    std::vector<BlobInfo> more = TRY(list_blobs(*repo_.store_, prefix, stop_));
    blobs.insert(blobs.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
  }
  const std::vector<BlobInfo> markers = TRY(list_blobs(*repo_.store_, "s", stop_));
  TRY(repo_.load(stop_));
  if (!repo_.index_damage_.empty()) {
    return Error(repo_.index_damage_.front().error).wrap("no pack is removed by a damaged index");
  }
  Sessions sessions;
  for (const BlobInfo& marker : markers) {
    const bool old = start_ - marker.modified >=
                     std::max<Duration>(margins_.session_expiry, margins_.pack_min_age);
    if (old) {
      sessions.expired.push_back(marker);
    } else {
      sessions.active.emplace(session_of(marker.id));
    }
  }
  const ContentIndex& index = *repo_.index_;
  std::vector<bool> used(index.packs().size(), false);
  for (RowNumber row = 0; row < index.rows(); ++row)
    used[index.row(row).pack] = true;
  std::vector<BlobInfo> unused;
  ByteCount all_bytes = 0;
  report_.space.packs_kept = 0;
  for (const BlobInfo& blob : blobs) {
    all_bytes += blob.size;
    const auto number = index.packs().find(blob.id);
    const bool referenced = number && used[*number];
    const bool young = start_ - blob.modified < margins_.pack_min_age || blob.modified > start_;
    const bool active = sessions.active.contains(session_of(blob.id));
    if (referenced || young || active) {
      ++report_.space.packs_kept;
    } else {
      unused.push_back(blob);
    }
  }
  TRY(parallel_for(
      unused.size(), 8,
      [&](std::size_t i, std::stop_token inner) {
        return repo_.store_->remove(unused[i].id, inner);
      },
      stop_));
  for (const BlobInfo& blob : unused)
    report_.space.bytes_removed += blob.size;
  report_.space.packs_removed = unused.size();
  if (!unused.empty()) {
    say("{} packs that nothing refers to were removed ({} bytes)", unused.size(),
        report_.space.bytes_removed);
  }
  return delete_markers(sessions.expired);
}

Status Maintenance::delete_markers(const std::vector<BlobInfo>& markers) {
  for (const BlobInfo& marker : markers)
    TRY(repo_.store_->remove(marker.id, stop_));
  if (!markers.empty()) say("{} markers of sessions that died were removed", markers.size());
  return {};
}

// ---- Indexes.

Status Maintenance::compact_epochs() {
  constexpr int kMostAtOnce = 16;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const IndexState state = TRY(repo_.indexes_.list(stop_));
    const auto epoch = epoch_to_compact(state.epochs);
    if (!epoch) return {};
    const std::vector<BlobInfo>& blobs = state.epochs.uncompacted.at(*epoch);
    TRY(repo_.indexes_.merge(blobs, single_prefix(*epoch), stop_));
    say("the {} indexes of epoch {} were merged", blobs.size(), *epoch);
  }
  return {};
}

Status Maintenance::advance_epoch() {
  const IndexState state = TRY(repo_.indexes_.list(stop_));
  if (!should_advance(state.epochs, repo_.parameters_.epochs)) return {};
  const std::int64_t next = state.epochs.write_epoch + 1;
  TRY(repo_.indexes_.write_marker(next, stop_));
  say("epoch {} was begun", next);
  return {};
}

Status Maintenance::compact_range() {
  const IndexState state = TRY(repo_.indexes_.list(stop_));
  const auto range = range_to_compact(state.epochs, repo_.parameters_.epochs);
  if (!range) return {};
  const std::vector<BlobInfo> blobs = indexes_of(state.epochs, *range);
  if (!state.valid.holds(repo_.access_.clock)) {
    return Error(Code::Unavailable, "the store is too slow to merge epochs {} to {}", range->first,
                 range->last);
  }
  TRY(repo_.indexes_.merge(blobs, range_prefix(*range), stop_));
  say("the indexes of epochs {} to {} were merged", range->first, range->last);
  return {};
}

Status Maintenance::delete_superseded() {
  const IndexState state = TRY(repo_.indexes_.list(stop_));
  const std::vector<BlobInfo> blobs = superseded(state.epochs, repo_.parameters_.epochs);
  for (const BlobInfo& blob : blobs)
    TRY(repo_.store_->remove(blob.id, stop_));
  if (!blobs.empty()) say("{} index blobs that others replaced were removed", blobs.size());
  return {};
}

Result<PruneReport> Maintenance::estimate() {
  TRY(repo_.load(stop_));
  start_ = repo_.access_.clock.now();
  const Garbage garbage = TRY(find_garbage());
  PruneReport report{.bytes_unused_left = garbage.unused_bytes};
  for (const ListedPack& pack : TRY(repo_.list_packs(stop_))) {
    report.bytes_before += pack.size;
    ++report.packs_kept;
  }
  report.note = fmt::format("{} contents are unused; {} more are younger than a day and stay.",
                            garbage.unused.size(), garbage.too_young);
  return report;
}

Result<MaintenanceReport> Opened::maintain(const MaintenanceRequest& request,
                                           Progress& progress,
                                           std::stop_token stop) {
  return Maintenance(*this, request, progress, stop).run();
}

Result<PruneReport> Opened::prune(const PruneRequest& request,
                                  Progress& progress,
                                  std::stop_token stop) {
  const MaintenanceRequest full{.mode = MaintenanceMode::Full,
                                .no_safety = request.unsafe_no_grace};
  if (request.dry_run) return Maintenance(*this, full, progress, stop).estimate();
  return TRY(Maintenance(*this, full, progress, stop).run()).space;
}

}  // namespace lateen::repository::kopia
