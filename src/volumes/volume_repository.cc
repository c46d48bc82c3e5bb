#include "volumes/volume_repository.h"

#include <algorithm>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread.h"
#include "objects/limited_store.h"
#include "objects/object_store.h"
#include "objects/prefixed_store.h"
#include "repository/engine/delete_extra.h"
#include "repository/kopia/kopia.h"
#include "repository/restic/document_cache.h"
#include "repository/restic/restic.h"
#include "volumes/block_volume.h"
#include "volumes/checkpoints.h"

namespace lateen::volumes {
namespace {

namespace kopia = repository::kopia;
namespace restic = repository::restic;
using repository::Progress;
using repository::Snapshot;

constexpr std::string_view kUser = "default";  // what Velero says of itself, everywhere
constexpr std::string_view kResticHost = "velero";
constexpr std::size_t kMostProblemsTold = 11;

std::string_view word(Requester requester) {
  return requester == Requester::PodVolume ? "snapshot-pod-volume"
                                           : "snapshot-data-upload-download";
}

std::vector<std::string> tag_list(const model::StringMap& tags) {
  std::vector<std::string> list;
  for (const auto& [key, value] : tags)
    list.push_back(fmt::format("{}={}", key, value));
  return list;
}

// Conflict: it changed; NotFound: it vanished. Both are no more than what a running program does.
bool is_unsteady(const repository::Problem& problem) {
  return problem.error.is(Code::Conflict) || problem.error.is(Code::NotFound);
}

Error unreadable(const std::vector<repository::Problem>& problems, std::string_view doing) {
  std::vector<std::string> lines;
  for (const repository::Problem& problem : problems) {
    if (lines.size() == kMostProblemsTold) break;
    lines.push_back(fmt::format("{}: {}", problem.path, problem.error.message()));
  }
  return Error(problems.front().error.code(), "{} {} of the volume's files failed: {}", doing,
               problems.size(), join(lines, "; "));
}

Result<std::vector<std::string>> unsteady_files(std::vector<repository::Problem> problems) {
  const auto hard = std::partition(problems.begin(), problems.end(), is_unsteady);
  if (hard != problems.end()) return unreadable({hard, problems.end()}, "reading");
  std::vector<std::string> files;
  for (const repository::Problem& problem : problems)
    files.push_back(fmt::format("{}: {}", problem.path, problem.error.message()));
  return files;
}

// What a repository works with as long as it is open.
struct Surroundings {
  SystemClock clock;
  SystemRng rng;
};

struct Opened {
  std::unique_ptr<Surroundings> surroundings;
  Clock* clock;  // null: the machine's
  EngineLimits limits;
  Secret key;
};

// A device's bytes, no faster than the processor's time allows.
class PacedSource final : public ByteSource {
 public:
  PacedSource(ByteSource& bytes, CpuPace* pace, std::stop_token stop)
      : bytes_(bytes), pace_(pace), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<char> room) override {
    if (pace_ != nullptr) pace_->wait(stop_);
    return bytes_.read(room);
  }

 private:
  ByteSource& bytes_;
  CpuPace* pace_;
  std::stop_token stop_;
};

// What both formats do alike.
class AnyRepository : public VolumeRepository {
 public:
  explicit AnyRepository(Opened opened)
      : surroundings_(std::move(opened.surroundings)),
        clock_(opened.clock != nullptr ? *opened.clock : surroundings_->clock),
        limits_(opened.limits),
        key_(std::move(opened.key)) {}

  const Secret& key() const override { return key_; }

  Status rekey(const Secret& key, std::span<const Secret> former, std::stop_token stop) override {
    TRY(change_key(key, former, std::move(stop)));
    key_ = key;
    return {};
  }

  Result<SavedVolume> save(const VolumeSource& source,
                           Progress& progress,
                           std::stop_token stop) override {
    if (source.block) return save_device(source, progress, std::move(stop));
    if (TRY(list_dir(source.path)).empty()) return SavedVolume();
    repository::BackupRequest request = TRY(request_for(source, stop));
    request.upload.paths = {source.path};
    request.upload.threads = source.parallel_files;
    request.with_xattrs = true;
    request.user = kUser;
    repository::BackupReport report = TRY(repository().backup(request, progress, stop));
    SavedVolume saved{.snapshot_id = report.snapshot.id,
                      .total = report.stats.bytes,
                      .read = report.stats.bytes_read};
    auto unsteady = unsteady_files(progress.problems.take());
    if (!unsteady) {
      const std::vector<std::string> ids = {saved.snapshot_id};
      (void)forget(ids, stop);  // a snapshot that nobody knows of costs space, and no more
      return std::move(unsteady).error();
    }
    saved.unsteady = std::move(*unsteady);
    return saved;
  }

  Result<Snapshot> find(std::string_view snapshot_id, std::stop_token stop) override {
    std::vector<Snapshot> all = TRY(repository().snapshots(stop));
    for (Snapshot& one : all) {
      if (snapshot_id.empty() || !one.id.starts_with(snapshot_id)) continue;
      if (one.incomplete.empty()) return std::move(one);
      return Error(Code::Conflict, "snapshot {} is not whole ({}): its backup did not end",
                   snapshot_id, one.incomplete);
    }
    return Error(Code::NotFound, "snapshot {} is not in the repository", snapshot_id)
        .with_hint("Its backup may have been deleted, in this cluster or another.");
  }

  Status restore(std::string_view snapshot_id,
                 const RestoreVolumeOptions& options,
                 Progress& progress,
                 std::stop_token stop) override {
    const Snapshot snapshot = TRY(find(snapshot_id, stop));
    if (options.block) return restore_device(snapshot, options.target, progress, std::move(stop));
    const repository::RestoreOptions how{.target = options.target,
                                         .sparse = options.sparse,
                                         .sync = true,
                                         .threads = options.parallel_files,
                                         .memory = restore_memory(),
                                         .pace = limits_.pace};
    TRY(repository::restore_tree(snapshot.root, how, repository().trees(), repository().reader(),
                                 progress, stop));
    if (options.exact) TRY(remove_what_is_too_much(snapshot, how, progress, stop));
    const std::vector<repository::Problem> problems = progress.problems.take();
    return problems.empty() ? Status() : unreadable(problems, "restoring");
  }

  Status forget(std::span<const std::string> ids, std::stop_token stop) override {
    std::vector<std::string> there;
    for (const Snapshot& one : TRY(repository().snapshots(stop))) {
      const bool meant =
          std::ranges::any_of(ids, [&](const std::string& id) { return is_named(one, id); });
      if (meant) there.push_back(one.id);
    }
    return there.empty() ? Status() : repository().forget(there, stop);
  }

 protected:
  const Clock& clock() const { return clock_; }

  virtual Status change_key(const Secret& key,
                            std::span<const Secret> former,
                            std::stop_token stop) = 0;
  virtual bool is_named(const Snapshot& snapshot, std::string_view id) const = 0;
  virtual Result<repository::BackupRequest> request_for(const VolumeSource& source,
                                                        std::stop_token stop) = 0;

 private:
  // But for what belongs to the file system itself.
  Status remove_what_is_too_much(const Snapshot& snapshot,
                                 repository::RestoreOptions how,
                                 Progress& progress,
                                 std::stop_token stop) {
    how.select = [](const std::string& path, const repository::StoredEntry&) {
      return path != "/lost+found";
    };
    return repository::delete_extra(
        snapshot.root, how, repository().trees(), repository().reader(), [](const std::string&) {},
        progress, std::move(stop));
  }

  Result<SavedVolume> save_device(const VolumeSource& source,
                                  Progress& progress,
                                  std::stop_token stop) {
    const OpenDevice device = TRY(open_device_for_reading(source.path));
    FdSource device_bytes(device.fd.get(), source.path.string());
    PacedSource bytes(device_bytes, limits_.pace, stop);
    repository::BackupRequest request = TRY(request_for(source, stop));
    request.user = kUser;
    request.stdin_source = &bytes;
    request.stdin_name = kDeviceFile;
    progress.total_bytes = device.size;
    const repository::BackupReport report =
        TRY(repository().backup(request, progress, std::move(stop)));
    return SavedVolume{
        .snapshot_id = report.snapshot.id, .total = report.stats.bytes, .read = report.stats.bytes};
  }

  Status restore_device(const Snapshot& snapshot,
                        const FilePath& target,
                        Progress& progress,
                        std::stop_token stop) {
    const repository::StoredEntry file = TRY(device_file(snapshot));
    const OpenDevice device = TRY(open_device_for_writing(target, file.entry.size));
    progress.total_bytes = file.entry.size;
    DeviceSink sink(device.fd.get(), progress.done_bytes);
    TRY(repository::dump_file(file, sink, repository().trees(), repository().reader(),
                              std::move(stop)));
    return sink.sync();
  }

  // The one file of a device's snapshot: all that is in its root. Early ones of ours had no root.
  Result<repository::StoredEntry> device_file(const Snapshot& snapshot) {
    if (snapshot.root.entry.type == repository::EntryType::File) return snapshot.root;
    repository::Workspace workspace;
    const auto entries = TRY(repository().trees().read_directory(snapshot.root.object,
                                                                 repository().reader(), workspace));
    if (entries.size() != 1 || entries.front().entry.type != repository::EntryType::File) {
      return Error(Code::InvalidArgument,
                   "snapshot {} holds files, and is to be restored to a block device", snapshot.id);
    }
    return entries.front();
  }

  ByteCount restore_memory() const {
    const ByteCount usual = repository::RestoreOptions().memory;
    return limits_.memory == 0 ? usual : std::clamp<ByteCount>(limits_.memory, 32_MiB, 384_MiB);
  }

  const std::unique_ptr<Surroundings> surroundings_;
  const Clock& clock_;
  const EngineLimits limits_;
  Secret key_;
};

class KopiaVolumes final : public AnyRepository {
 public:
  KopiaVolumes(std::unique_ptr<kopia::KopiaRepository> repository, Opened opened)
      : AnyRepository(std::move(opened)), repository_(std::move(repository)) {}

  repository::Repository& repository() override { return *repository_; }

  bool is_named(const Snapshot& snapshot, std::string_view id) const override {
    return snapshot.id == id;
  }

  Status set_full_interval(Duration interval, std::stop_token stop) override {
    return repository_->set_full_interval(interval, std::move(stop));
  }

  Result<MaintenanceOutcome> maintain(std::stop_token stop) override {
    Progress progress;
    kopia::MaintenanceReport report = TRY(repository_->maintain({}, progress, stop));
    if (report.ran == kopia::MaintenanceMode::Full) TRY(drop_checkpoints(report, stop));
    return MaintenanceOutcome{.due = report.ran != kopia::MaintenanceMode::Auto,
                              .done = std::move(report.done)};
  }

 private:
  // What only they need goes with the next full run.
  Status drop_checkpoints(kopia::MaintenanceReport& report, std::stop_token stop) {
    const std::vector<Snapshot> all = TRY(repository_->snapshots(stop));
    const std::vector<std::string> ids = abandoned_checkpoints(all, clock().now());
    if (ids.empty()) return {};
    TRY(repository_->forget(ids, std::move(stop)));
    report.done.push_back(
        fmt::format("{} unfinished snapshots that nobody went on from were forgotten", ids.size()));
    return {};
  }

  // A kopia repository has one password.
  Status change_key(const Secret& key, std::span<const Secret>, std::stop_token stop) override {
    return key == this->key() ? Status() : repository_->change_password(key, std::move(stop));
  }

  // As Velero does before each copy: its policy for this source, so that a kopia client keeps every
  // snapshot.
  Result<repository::BackupRequest> request_for(const VolumeSource& source,
                                                std::stop_token stop) override {
    repository::BackupRequest request;
    request.host = kUser;
    request.source_path = fmt::format("{}/{}/{}", word(source.requester), kKopia, source.name);
    model::StringMap tags = source.tags;
    tags["snapshot-requester"] = word(source.requester);
    tags["snapshot-uploader"] = kKopia;
    request.tags = tag_list(tags);
    request.description = "Kopia Uploader";
    request.pins = {"velero-pin"};
    const std::size_t parallel =
        source.parallel_files > 0 ? source.parallel_files : hardware_threads();
    TRY(repository_->set_policy(
        {.host = request.host, .user = std::string(kUser), .path = request.source_path},
        kopia::velero_policy(parallel), stop));
    return request;
  }

  std::unique_ptr<kopia::KopiaRepository> repository_;
};

class ResticVolumes final : public AnyRepository {
 public:
  ResticVolumes(std::unique_ptr<restic::ResticRepository> repository, Opened opened)
      : AnyRepository(std::move(opened)), repository_(std::move(repository)) {}

  repository::Repository& repository() override { return *repository_; }

  // Velero keeps the short form.
  bool is_named(const Snapshot& snapshot, std::string_view id) const override {
    return !id.empty() && snapshot.id.starts_with(id);
  }

  Status set_full_interval(Duration, std::stop_token) override { return {}; }

  Result<MaintenanceOutcome> maintain(std::stop_token stop) override {
    Progress progress;
    const repository::PruneReport report = TRY(repository_->prune({}, progress, stop));
    return MaintenanceOutcome{
        .due = true,
        .done = {fmt::format("prune removed {} packs, repacked {}, freed {} B",
                             report.packs_removed, report.packs_repacked, report.bytes_removed)}};
  }

 private:
  // Passwords that people added themselves stay.
  Status change_key(const Secret& key,
                    std::span<const Secret> former,
                    std::stop_token stop) override {
    if (!(key == this->key())) TRY(repository_->change_password(key, stop));
    for (const Secret& one : former) {
      if (!(one == key)) TRY(repository_->remove_password(one, stop));
    }
    return {};
  }

  // The path on the node is another for every pod: what follows what is told by the tags.
  Result<repository::BackupRequest> request_for(const VolumeSource& source,
                                                std::stop_token stop) override {
    repository::BackupRequest request;
    request.host = kResticHost;
    request.tags = tag_list(source.tags);
    std::vector<std::string> same;
    for (const char* key : {"pvc-uid", "ns", "pod", "volume"}) {
      const auto tag = source.tags.find(key);
      if (tag == source.tags.end()) continue;
      same.push_back(fmt::format("{}={}", key, tag->second));
      if (std::string_view(key) == "pvc-uid") break;
    }
    if (same.empty()) return request;
    for (const Snapshot& one : TRY(repository_->snapshots(stop))) {
      const bool follows = std::all_of(same.begin(), same.end(), [&one](const std::string& tag) {
        return std::find(one.tags.begin(), one.tags.end(), tag) != one.tags.end();
      });
      if (follows) request.parent = one.id;
    }
    return request;
  }

  std::unique_ptr<restic::ResticRepository> repository_;
};

repository::RepositoryAccess access_of(const VolumeRepositoryOptions& options,
                                       Surroundings& surroundings) {
  return {.clock = options.clock != nullptr ? *options.clock : surroundings.clock,
          .rng = surroundings.rng,
          .cache_dir = options.cache_dir,
          .cache_limit = options.cache_limit,
          .user = std::string(kUser),
          .host = std::string(options.type == kRestic ? kResticHost : kUser),
          .memory = options.limits.memory,
          .pace = options.limits.pace,
          .keys = options.limits.keys};
}

Result<std::unique_ptr<objects::ObjectStore>> open_prefix(const BucketOpener& bucket,
                                                          const VolumeRepositoryOptions& options) {
  auto store = TRY(bucket());
  if (options.limits.line != nullptr)
    store = objects::make_limited(std::move(store), *options.limits.line);
  return objects::make_prefixed(std::move(store),
                                repository_prefix(options.prefix, options.type, options.ns));
}

Result<std::unique_ptr<VolumeRepository>> open_with(const BucketOpener& bucket,
                                                    const VolumeRepositoryOptions& options,
                                                    const Secret& key,
                                                    std::stop_token stop) {
  auto store = TRY(open_prefix(bucket, options));
  auto surroundings = std::make_unique<Surroundings>();
  const repository::RepositoryAccess access = access_of(options, *surroundings);
  Opened opened{.surroundings = std::move(surroundings),
                .clock = options.clock,
                .limits = options.limits,
                .key = key};
  if (options.type == kRestic) {
    if (!options.cache_dir.empty()) {
      store = restic::keep_documents(std::move(store), options.cache_dir / "documents",
                                     options.cache_limit);
    }
    auto there = TRY(restic::open_repository(std::move(store), key, {}, access, std::move(stop)));
    return std::make_unique<ResticVolumes>(std::move(there), std::move(opened));
  }
  auto there = TRY(kopia::open_repository(std::move(store), key, access, std::move(stop)));
  return std::make_unique<KopiaVolumes>(std::move(there), std::move(opened));
}

Status create(const BucketOpener& bucket,
              const VolumeRepositoryOptions& options,
              std::stop_token stop) {
  auto store = TRY(open_prefix(bucket, options));
  Surroundings surroundings;
  const repository::RepositoryAccess access = access_of(options, surroundings);
  if (options.type == kRestic) {
    TRY(restic::create_repository(std::move(store), options.key, {}, access, std::move(stop)));
    return {};
  }
  // Blobs without what says how to read them: somebody deleted that, or a copy is not complete yet.
  const objects::ListPage there = TRY(store->list({}, {}, stop));
  if (!there.objects.empty()) {
    return Error(Code::AlreadyExists,
                 "found existing data in storage location, but no kopia.repository: {}/",
                 repository_prefix(options.prefix, options.type, options.ns))
        .with_hint("Bring kopia.repository back, or move these objects away.");
  }
  TRY(kopia::create_repository(std::move(store), options.key, {.as_velero = true}, access,
                               std::move(stop)));
  return {};
}

}  // namespace

std::string repository_prefix(std::string_view prefix, std::string_view type, std::string_view ns) {
  while (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  return fmt::format("{}{}{}/{}", prefix, prefix.empty() ? "" : "/", type, ns);
}

Result<std::unique_ptr<VolumeRepository>> VolumeRepository::open(
    const BucketOpener& bucket, const VolumeRepositoryOptions& options, std::stop_token stop) {
  if (options.type != kKopia && options.type != kRestic) {
    return Error(Code::InvalidArgument, "\"{}\" is not a type of repository: kopia or restic",
                 options.type);
  }
  const std::string where = repository_prefix(options.prefix, options.type, options.ns);
  auto opened = open_with(bucket, options, options.key, stop);
  if (opened) return opened;
  if (opened.error().is(Code::NotFound) && options.create) {
    const Status made = create(bucket, options, stop);
    if (made || made.error().is(Code::AlreadyExists)) {
      // Somebody else may have been faster.
      auto there = open_with(bucket, options, options.key, stop);
      if (there || made) return there;
    }
    return made.error();
  }
  if (!opened.error().is(Code::Unauthenticated)) {
    return std::move(opened).error().wrap("opening repository {}", where);
  }
  std::vector<Secret> others = options.other_keys;
  others.emplace_back(std::string(kWellKnownRepositoryKey));
  for (const Secret& key : others) {
    if (key == options.key) continue;
    auto by_other_key = open_with(bucket, options, key, stop);
    if (by_other_key) return by_other_key;
  }
  return std::move(opened)
      .error()
      .wrap("opening repository {}", where)
      .with_hint(
          fmt::format("Put the key that it was made with under {} of Secret {}: it is in the "
                      "cluster that wrote it.",
                      kRepositorySecretKey, kRepositorySecret));
}

}  // namespace lateen::volumes
