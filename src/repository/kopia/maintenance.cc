#include "repository/kopia/maintenance.h"

#include <algorithm>

#include "base/file.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::chrono::minutes kMaxSkew(5);
constexpr ByteCount kMaxSchedule = 16_MiB;

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
      derive_purpose_key(repo_.blob_, repo_.parameters_, repo_.format_key_, kSchedulePurpose);
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
  if (may_rewrite(schedule_, margins_)) contents = contents_of_short_packs({});
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

Result<MaintenanceReport> Opened::maintain(const MaintenanceRequest& request,
                                           Progress& progress,
                                           std::stop_token stop) {
  return Maintenance(*this, request, progress, stop).run();
}

Status Opened::set_full_interval(Duration interval, std::stop_token stop) {
  TRY(ensure_writable(stop));
  ManifestSet& all = *TRY(manifests(stop));
  const Labels labels = {{"type", "maintenance"}};
  const auto now = all.find(labels);
  // One without them is of a writer who leaves maintenance to nobody.
  if (now.empty()) return {};
  Json parameters = TRY(parse_json(now.front()->data).wrap("the parameters of maintenance"));
  if (int_at(parameters, "full.interval") == interval.count()) return {};
  ensure(parameters, "full.interval") = interval.count();
  all.replace(labels, write_json_unsorted(parameters), access_.clock, access_.rng);
  Writing writing = begin_writing({});
  return finish_writing(writing, stop);
}

Result<PruneReport> Opened::prune(const PruneRequest& request,
                                  Progress& progress,
                                  std::stop_token stop) {
  const MaintenanceRequest full{.mode = MaintenanceMode::Full,
                                .no_safety = request.unsafe_no_grace};
  if (request.dry_run) return Maintenance(*this, full, progress, stop).estimate(request.without);
  ByteCount before = 0;
  for (const ListedPack& pack : TRY(list_packs(stop)))
    before += pack.size;
  PruneReport report = TRY(Maintenance(*this, full, progress, stop).run()).space;
  report.bytes_before = before;
  return report;
}

}  // namespace lateen::repository::kopia
