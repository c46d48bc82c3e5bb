// The sandbox's disks: a directory for each volume and for each snapshot, under names that only we
// make.
//
//   <dir>/volumes/<id>/data       what a pod mounts
//   <dir>/snapshots/<id>/data     a point in time of one volume
//   <dir>/snapshots/<id>/snapshot.json   its size, time and source; written last: with it the
//   snapshot is whole
//
// Copies are clones (reflinks) where the file system can, and real copies where not; both are made
// under another name and renamed when they are whole and on disk. A snapshot stops the processes
// that use the volume while it copies, so that it is one point in time: to a database it looks like
// a crash at that moment, no worse.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen::sandbox {

struct SnapshotInfo {
  std::string id;
  std::string volume;  // the id of the volume that it was taken from
  TimePoint created;
  std::int64_t size =
      0;  // of the volume as requested, in bytes: what a restored claim must ask for at least
  bool cloned = false;  // no byte was copied
};

// Thaws what it froze when it is destroyed. Not thread-safe.
class VolumePause {
 public:
  VolumePause() = default;
  VolumePause(const VolumePause&) = delete;
  VolumePause& operator=(const VolumePause&) = delete;
  virtual ~VolumePause() = default;
};

// Stops all processes that have the volume mounted. Implementations are thread-safe.
class VolumePauser {
 public:
  VolumePauser() = default;
  VolumePauser(const VolumePauser&) = delete;
  VolumePauser& operator=(const VolumePauser&) = delete;
  virtual ~VolumePauser() = default;
  virtual Result<std::unique_ptr<VolumePause>> pause_users_of(const std::string& volume) = 0;
};

// Thread-safe: each operation stands alone, and the controllers make one at a time on one id.
class VolumeStore {
 public:
  VolumeStore(FilePath dir, VolumePauser& pauser, const Clock& clock);

  // Makes the directories, and clears away what a crash left half done.
  Status open();

  FilePath volume_path(const std::string& id) const { return dir_ / "volumes" / id / "data"; }

  bool has_volume(const std::string& id) const;

  // Does nothing if it is there already.
  Status create_volume(const std::string& id);
  Status create_volume_from_snapshot(const std::string& id,
                                     const std::string& snapshot,
                                     std::stop_token stop);
  // As if by a snapshot that is thrown away.
  Status clone_volume(const std::string& id, const std::string& source, std::stop_token stop);
  Status remove_volume(const std::string& id);

  // Does nothing if it is there already: the answer is the first one then.
  Result<SnapshotInfo> create_snapshot(const std::string& id,
                                       const std::string& volume,
                                       std::int64_t size,
                                       std::stop_token stop);
  // NotFound if there is none of that id.
  Result<SnapshotInfo> find_snapshot(const std::string& id) const;
  Status remove_snapshot(const std::string& id);

 private:
  Result<bool> copy_paused(const std::string& source, const FilePath& to, std::stop_token stop);
  Status finish(const FilePath& made, const FilePath& place) const;
  FilePath work_path(std::string_view what, const std::string& id) const;

  FilePath dir_;
  VolumePauser& pauser_;
  const Clock& clock_;
};

}  // namespace lateen::sandbox
