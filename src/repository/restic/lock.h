// Lock files: how restic and we keep out of each other's way. Whoever adds to a repository or reads
// it holds a shared lock, whoever removes from it an exclusive one. A lock is refreshed every five
// minutes; one that has not been for half an hour, or whose process on this host is gone, is stale,
// and `unlock` removes it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread.h"
#include "repository/restic/documents.h"
#include "repository/restic/files.h"

namespace lateen::repository::restic {

enum class LockMode { Shared, Exclusive };

inline constexpr Duration kStaleLockAge = std::chrono::minutes(30);
// As restic: until then a lock that another writes at the same time is seen.
inline constexpr Duration kLockSettle = std::chrono::milliseconds(200);

// Who locks.
struct LockOwner {
  std::string hostname = {};
  std::string username = {};
};

struct ListedLock {
  Id id = {};
  LockFile lock = {};
};

// Those that can be read; empty files are passed over. Others are an error: nobody may go on while
// a lock says something that is not understood.
Result<std::vector<ListedLock>> list_locks(const Files& files, const std::stop_token& stop);

bool is_stale(const LockFile& lock, std::string_view our_hostname, TimePoint now);

// The number of locks removed: the stale ones, or all of them.
Result<std::size_t> remove_locks(const Files& files,
                                 std::string_view our_hostname,
                                 TimePoint now,
                                 bool all,
                                 const std::stop_token& stop);

// A lock that is held, refreshed by a thread of its own, and removed by the destructor.
// Thread-safe.
class HeldLock {
  struct Key {};

 public:
  // Conflict, saying who holds the other lock, if there is one that excludes ours. `settle` after
  // writing its own it looks for others' once more: for an exclusive lock before this returns, for
  // a shared one meanwhile; settled() waits for that. `files` and `clock` outlive it.
  static Result<std::unique_ptr<HeldLock>> acquire(const Files& files,
                                                   const Clock& clock,
                                                   LockMode mode,
                                                   const LockOwner& owner,
                                                   Duration settle,
                                                   std::stop_token stop);

  HeldLock(
      Key, const Files& files, const Clock& clock, LockFile lock, const Id& id, Duration settle);
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
  ~HeldLock();

  LockMode mode() const { return lock_.exclusive ? LockMode::Exclusive : LockMode::Shared; }

  // Whether somebody locked at the same moment: Conflict.
  Status settled(std::stop_token stop) const;

  // Called before anything that others could be harmed by: settled(), and an error once the lock
  // could not be refreshed for so long that others may take it for stale.
  Status check() const;

 private:
  void look_again(Duration settle, const std::stop_token& stop);
  void keep_fresh(Duration settle, const std::stop_token& stop);
  Status refresh();

  const Files& files_;
  const Clock& clock_;
  LockFile lock_;  // changed by the refreshing thread only
  mutable Mutex mu_;
  mutable Condition looked_;
  Id id_ LATEEN_GUARDED_BY(mu_);
  // What was found when it was looked again; not yet known at first.
  std::optional<Status> others_ LATEEN_GUARDED_BY(mu_);
  TimePoint refreshed_ LATEEN_GUARDED_BY(mu_);
  std::jthread refresher_;  // last: it uses all of the above
};

}  // namespace lateen::repository::restic
