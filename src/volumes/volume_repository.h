// The repositories that volumes' files go to, in Velero's layout and with its names: one for each
// (type, namespace of the source volume, location), at `<location's prefix>/kopia/<namespace>/`.
//
//   auto repository = TRY(VolumeRepository::open(bucket, {.type = "kopia", …}, stop));
//   const SavedVolume saved = TRY(repository->save(source, progress, stop));
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/object_meta.h"

namespace lateen {
class CpuPace;
}  // namespace lateen

namespace lateen::objects {
class ObjectStore;
struct Line;
}  // namespace lateen::objects

namespace lateen::repository {
class DerivedKeys;
class Repository;
struct Progress;
struct Snapshot;
}  // namespace lateen::repository

namespace lateen::volumes {

inline constexpr std::string_view kKopia = "kopia";
inline constexpr std::string_view kRestic = "restic";

// Where the key of all repositories is: a Secret in Velero's namespace.
inline constexpr std::string_view kRepositorySecret = "velero-repo-credentials";
inline constexpr std::string_view kRepositorySecretKey = "repository-password";
// What Velero writes there when there is none: no secret to anybody.
inline constexpr std::string_view kWellKnownRepositoryKey = "static-passw0rd";

// `prefix` is the location's, with or without a slash at its end.
std::string repository_prefix(std::string_view prefix, std::string_view type, std::string_view ns);

// Opens the location's bucket; asked once for each key that is tried.
using BucketOpener = std::function<Result<std::unique_ptr<objects::ObjectStore>>()>;

// What a process may use for volumes' data; what is given outlives the repositories that share it.
struct EngineLimits {
  objects::Line* line = nullptr;  // to the bucket
  CpuPace* pace = nullptr;
  repository::DerivedKeys* keys = nullptr;
  ByteCount memory = 0;  // for the buffers of each volume that is saved or restored; 0: as it is
};

struct VolumeRepositoryOptions {
  std::string type = std::string(kKopia);
  std::string ns = {};                  // of the source volumes; for messages
  std::string prefix = {};              // the location's in its bucket
  Secret key = {};                      // a new one's; tried first
  std::vector<Secret> other_keys = {};  // tried next; then the well-known one
  bool create = false;                  // when there is none; otherwise NotFound
  FilePath cache_dir = {};              // empty: none
  ByteCount cache_limit = 0;            // of what is kept there; 0: as it is
  EngineLimits limits = {};
  Clock* clock = nullptr;  // outlives the repository; null: the machine's
};

// Who asks: part of a snapshot's identity, so that a volume's copies follow one another.
enum class Requester { PodVolume, DataMover };

struct VolumeSource {
  FilePath path = {};  // a directory on this machine
  // "<ns>/<pod>/<claim or volume>" of a PodVolumeBackup, "<ns>/<claim>" of a DataUpload.
  std::string name = {};
  Requester requester = Requester::PodVolume;
  model::StringMap tags = {};
  std::size_t parallel_files = 0;  // 0: by the machine
  bool block = false;              // `path` is a device: its bytes are saved as they are
};

struct SavedVolume {
  std::string snapshot_id = {};  // empty: there was nothing in the volume, and no snapshot is made
  ByteCount total = 0;
  ByteCount read = 0;  // of what is new or changed since the volume's last copy
  // Files that changed or vanished while they were read: they are in the copy as they were read, or
  // not at all.
  std::vector<std::string> unsteady = {};
};

struct RestoreVolumeOptions {
  FilePath target = {};
  bool sparse = false;
  std::size_t parallel_files = 0;
  bool block = false;  // `target` is a device
  bool exact = false;  // what the snapshot does not have is removed from the target
};

struct MaintenanceOutcome {
  bool due = false;
  std::vector<std::string> done = {};  // a sentence for each thing
};

// Several threads may use it; each that writes needs one of its own.
class VolumeRepository {
 public:
  // NotFound if there is no repository and none is to be made; Unauthenticated when neither key
  // opens it.
  static Result<std::unique_ptr<VolumeRepository>> open(const BucketOpener& bucket,
                                                        const VolumeRepositoryOptions& options,
                                                        std::stop_token stop);

  VolumeRepository() = default;
  VolumeRepository(const VolumeRepository&) = delete;
  VolumeRepository& operator=(const VolumeRepository&) = delete;
  virtual ~VolumeRepository() = default;

  virtual repository::Repository& repository() = 0;

  // The key that opened it.
  virtual const Secret& key() const = 0;

  // That is the one that everybody knows.
  bool has_well_known_key() const { return key().reveal() == kWellKnownRepositoryKey; }

  // From now on this key opens it, and none of the former ones. What is stored is not written anew,
  // and backups that are running go on (restic: Conflict while they do). Cut short, it is to be
  // called again.
  virtual Status rekey(const Secret& key, std::span<const Secret> former, std::stop_token stop) = 0;

  // A file that cannot be read fails it, and no snapshot is left; one that changed is told.
  virtual Result<SavedVolume> save(const VolumeSource& source,
                                   repository::Progress& progress,
                                   std::stop_token stop) = 0;

  // A snapshot by its ID, or by the beginning of one (restic's short IDs).
  virtual Result<repository::Snapshot> find(std::string_view snapshot_id, std::stop_token stop) = 0;

  // All of it is on the disk when this comes back. A file that fails is an Error, and the others
  // are there.
  virtual Status restore(std::string_view snapshot_id,
                         const RestoreVolumeOptions& options,
                         repository::Progress& progress,
                         std::stop_token stop) = 0;

  // Snapshots that are gone already are fine.
  virtual Status forget(std::span<const std::string> snapshot_ids, std::stop_token stop) = 0;

  // How often full maintenance is due from now on. Restic's is full each time: nothing changes.
  virtual Status set_full_interval(Duration interval, std::stop_token stop) = 0;

  // What is due: quick or full maintenance, by the repository's own schedule.
  virtual Result<MaintenanceOutcome> maintain(std::stop_token stop) = 0;
};

}  // namespace lateen::volumes
