// A repository of snapshots, whatever its format: what `lateen repo` and the node agent use. Opened
// by kopia/ or restic/; `open_repository` tells which it is by looking.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "objects/object_store.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/format.h"
#include "repository/engine/progress.h"
#include "repository/engine/restorer.h"
#include "repository/engine/tree_transfer.h"
#include "repository/engine/uploader.h"
#include "repository/engine/verifier.h"

namespace lateen::repository {

class DerivedKeys;

enum class RepositoryFormat { Kopia, Restic };

struct SnapshotStats {
  ByteCount size = 0;
  std::uint64_t files = 0;
  std::uint64_t dirs = 0;
  std::uint64_t failed = 0;
  std::optional<ByteCount> added = {};         // new bytes, before compression; if it is known
  std::optional<ByteCount> added_packed = {};  // as stored
  UploadStats upload = {};                     // as far as the format keeps it
};

struct Snapshot {
  std::string id = {};  // as the format prints it
  TimePoint time = {};  // when it was begun
  Duration zone = {};   // of its writer, east of UTC, if the format keeps it
  std::optional<TimePoint> end = {};
  std::string host = {};
  std::string user = {};
  std::vector<std::string> paths = {};
  std::vector<std::string> tags = {};  // "key=value" of kopia's, plain of restic's
  std::string description = {};
  std::string parent = {};
  std::string original = {};
  std::string program = {};
  std::string incomplete = {};  // kopia's reason, if it is
  std::vector<std::string> pins = {};
  std::vector<std::string> excludes = {};
  SnapshotStats stats = {};
  StoredEntry root = {};
};

struct BackupRequest {
  UploadOptions upload = {};  // paths, excludes, …; its parent is found by the repository
  std::string host = {};
  std::string user = {};
  std::string source_path = {};  // kopia: what stands for the path, if not the path (Velero)
  std::vector<std::string> tags = {};
  std::string description = {};
  std::vector<std::string> pins = {};
  std::optional<TimePoint> time = {};      // restic's --time
  std::optional<std::string> parent = {};  // a snapshot's ID
  bool force = false;                      // no parent
  bool dry_run = false;
  std::string compression = {};  // the format's word; empty: the repository's default
  std::vector<std::string> excludes =
      {};                          // as the user wrote them: restic keeps them with the snapshot
  bool ignore_ctime = false;       // files are compared without it
  bool ignore_inode = false;       // the same, and without the inode
  bool with_atime = false;         // restic: keeps access times
  bool with_xattrs = false;        // kopia: keeps extended attributes and ACLs, as restic always
  bool skip_if_unchanged = false;  // no snapshot if the tree is its parent's
  ByteSource* stdin_source = nullptr;  // then one file of this name instead of paths
  std::string stdin_name = {};
};

struct BackupReport {
  Snapshot snapshot = {};  // without an ID if none was written
  UploadStats stats = {};
  std::uint64_t data_blobs = 0;
  std::uint64_t tree_blobs = 0;
  ByteCount data_added = 0;
  ByteCount packed_added = 0;
};

struct CheckRequest {
  VerifyOptions verify = {};
  bool quick = false;    // packs and indexes only, not the snapshots' trees
  bool no_lock = false;  // restic: what others remove meanwhile is taken for missing
};

struct CheckReport {
  VerifyStats packs = {};
  std::vector<std::string> hints = {};  // not damage: orphaned packs, duplicates
};

// What prune writes anew besides packs of which enough is unused (restic's --repack-…).
struct RepackChoice {
  bool small = false;           // all small packs, not only many of them
  bool uncompressed = false;    // what is not compressed
  bool cacheable_only = false;  // nothing but packs of trees
};

struct PruneRequest {
  bool dry_run = false;
  // Of a dry run: snapshots that count as forgotten.
  std::vector<std::string> without = {};
  // How much may stay unused, in percent of what is used (restic), or no limit.
  std::optional<double> max_unused_percent = 5.0;
  std::optional<ByteCount> max_unused_bytes = {};  // instead of percent
  std::optional<ByteCount> max_repack = {};
  RepackChoice repack = {};      // restic
  bool unsafe_no_grace = false;  // kopia's --safety=none: for when nobody else writes
};

struct PruneReport {
  ByteCount bytes_before = 0;
  ByteCount bytes_removed = 0;
  ByteCount bytes_repacked = 0;
  std::uint64_t packs_removed = 0;
  std::uint64_t packs_repacked = 0;
  std::uint64_t packs_kept = 0;
  ByteCount bytes_unused_left = 0;
  std::string note = {};  // why less was removed than could be (kopia's grace periods)
};

struct RepairReport {
  std::vector<std::string> done = {};
  std::vector<std::string> lost = {};  // snapshots and paths that cannot be brought back
};

class Repository;

// A snapshot written once more: from another repository, or, anew, from the same.
struct CopyRequest {
  Repository& source;
  Snapshot snapshot = {};  // as the source lists it; with its ID
  TransferMemory& memory;  // for all snapshots of one source
  // Where its root comes to be ("/a/b"); empty: it stays the root.
  std::string below = {};
  std::function<bool(const std::string& path, const StoredEntry& entry)> exclude = {};
  std::vector<std::string> add_tags = {};
  std::string compression = {};  // as in BackupRequest
  bool dry_run = false;
};

struct CopyReport {
  std::string id = {};     // of the new snapshot; empty if none was written
  bool unchanged = false;  // of the same repository: nothing would be left out
  ByteCount added = 0;
  ByteCount added_packed = 0;
};

// What opening needs besides the store.
struct RepositoryAccess {
  Clock& clock;
  Rng& rng;
  FilePath cache_dir = {};    // empty: no cache
  ByteCount cache_limit = 0;  // of the blobs that are kept there; 0: 1 GiB
  bool local = false;  // the store is as near as the cache: only what is merged is kept there
  std::string user = "root";  // who writes: locks, session markers
  std::string host = "localhost";
  std::size_t threads = 0;
  ByteCount memory = 0;         // for the buffers of one backup; 0: 112 MiB
  CpuPace* pace = nullptr;      // if there is one, it outlives the repository
  DerivedKeys* keys = nullptr;  // the same
};

// How much of a backup's buffers is for packs and how much for files' bytes, of all together. Fewer
// than three packs being filled and stored, and two windows of a large file, do not go on.
struct BackupMemory {
  ByteCount packs = 64_MiB;
  ByteCount files = 48_MiB;

  static BackupMemory of(ByteCount all);
};

// Methods may be called from several threads; two writers at once are two opened repositories.
class Repository {
 public:
  Repository() = default;
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;
  virtual ~Repository() = default;

  virtual RepositoryFormat format() const = 0;
  virtual std::string id() const = 0;
  // For `cat config`, `stats`: version, hash, cipher, chunker as text by name.
  virtual std::map<std::string, std::string> parameters() const = 0;

  virtual const TreeFormat& trees() const = 0;
  virtual ContentReader& reader() = 0;

  // Oldest first.
  virtual Result<std::vector<Snapshot>> snapshots(std::stop_token stop) = 0;
  // Those that can be read; the others are in `problems`, by name.
  virtual Result<std::vector<Snapshot>> readable_snapshots(std::vector<Error>& problems,
                                                           std::stop_token stop) = 0;

  virtual Result<BackupReport> backup(const BackupRequest& request,
                                      Progress& progress,
                                      std::stop_token stop) = 0;
  virtual Result<CopyReport> copy_snapshot(const CopyRequest& request,
                                           Progress& progress,
                                           std::stop_token stop) = 0;
  virtual Status forget(std::span<const std::string> snapshot_ids, std::stop_token stop) = 0;
  virtual Result<CheckReport> check(const CheckRequest& request,
                                    Progress& progress,
                                    std::stop_token stop) = 0;
  virtual Result<PruneReport> prune(const PruneRequest& request,
                                    Progress& progress,
                                    std::stop_token stop) = 0;

  virtual Result<RepairReport> repair_index(Progress& progress, std::stop_token stop) = 0;
  virtual Result<RepairReport> repair_packs(std::span<const std::string> packs,
                                            Progress& progress,
                                            std::stop_token stop) = 0;
  virtual Result<RepairReport> repair_snapshots(bool forget_lost,
                                                Progress& progress,
                                                std::stop_token stop) = 0;
};

}  // namespace lateen::repository
