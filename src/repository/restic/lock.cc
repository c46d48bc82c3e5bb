#include "repository/restic/lock.h"

#include <csignal>

#include <unistd.h>

#include "base/time.h"

namespace lateen::repository::restic {
namespace {

constexpr Duration kRefreshInterval = std::chrono::minutes(5);
// Not the whole half hour: clocks of two machines may differ a little.
constexpr Duration kLostAfter = kStaleLockAge - kRefreshInterval * 3 / 2;
constexpr Duration kRetryPause = std::chrono::seconds(1);
constexpr int kReadTries = 4;

// A lock may be read while it is being written, where the store is not atomic.
Result<std::optional<LockFile>> load_lock(const Files& files,
                                          const Id& id,
                                          const std::stop_token& stop) {
  for (int attempt = 1;; ++attempt) {
    auto json = files.load(FileType::Lock, id, stop);
    if (json) return std::optional(TRY(decode_lock(*json).wrap("lock {}", id.short_hex())));
    if (json.error().is(Code::NotFound)) return std::optional<LockFile>();
    if (attempt == kReadTries || !sleep_unless_stopped(kRetryPause, stop)) {
      return std::move(json).error().with_hint(
          "If nothing else uses the repository, `unlock --remove-all` removes such locks.");
    }
  }
}

Error conflict(const ListedLock& other, TimePoint now) {
  const LockFile& lock = other.lock;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - lock.time);
  return Error(
             Code::Conflict,
             "the repository is already locked {}by PID {} on {} by {} (UID {}, GID {}); lock was "
             "created at {} ({} s ago), storage ID {}",
             lock.exclusive ? "exclusively " : "", lock.pid, lock.hostname, lock.username, lock.uid,
             lock.gid, format_rfc3339(lock.time), age.count(), other.id.short_hex())
      .with_hint("The `unlock` command removes locks of processes that are gone.");
}

// All but `own`, if it is given.
Result<std::vector<ListedLock>> locks_but(const Files& files,
                                          const Id* own,
                                          const std::stop_token& stop) {
  std::vector<ListedLock> locks;
  for (const ListedFile& file : TRY(list_files(files.store(), FileType::Lock, stop))) {
    if (file.size == 0 || (own != nullptr && file.id == *own)) continue;
    std::optional<LockFile> lock = TRY(load_lock(files, file.id, stop));
    if (lock) locks.push_back({.id = file.id, .lock = std::move(*lock)});
  }
  return locks;
}

// Whether anybody's lock but `own` excludes ours.
Status check_others(
    const Files& files, LockMode mode, const Id* own, TimePoint now, const std::stop_token& stop) {
  for (const ListedLock& other : TRY(locks_but(files, own, stop))) {
    if (mode == LockMode::Exclusive || other.lock.exclusive) return conflict(other, now);
  }
  return {};
}

}  // namespace

Result<std::vector<ListedLock>> list_locks(const Files& files, const std::stop_token& stop) {
  return locks_but(files, nullptr, stop);
}

bool is_stale(const LockFile& lock, std::string_view our_hostname, TimePoint now) {
  if (now - lock.time > kStaleLockAge) return true;
  if (lock.hostname != our_hostname || lock.pid <= 0) return false;
  return ::kill(static_cast<pid_t>(lock.pid), 0) != 0 && errno == ESRCH;
}

Result<std::size_t> remove_locks(const Files& files,
                                 std::string_view our_hostname,
                                 TimePoint now,
                                 bool all,
                                 const std::stop_token& stop) {
  std::vector<Id> stale;
  if (all) {
    for (const ListedFile& file : TRY(list_files(files.store(), FileType::Lock, stop)))
      stale.push_back(file.id);
  } else {
    for (const ListedLock& lock : TRY(list_locks(files, stop))) {
      if (is_stale(lock.lock, our_hostname, now)) stale.push_back(lock.id);
    }
  }
  TRY(remove_files(files.store(), FileType::Lock, stale, stop));
  return stale.size();
}

Result<std::unique_ptr<HeldLock>> HeldLock::acquire(const Files& files,
                                                    const Clock& clock,
                                                    LockMode mode,
                                                    const LockOwner& owner,
                                                    Duration settle,
                                                    std::stop_token stop) {
  TRY(check_others(files, mode, nullptr, clock.now(), stop));
  const LockFile lock{.time = clock.now(),
                      .exclusive = mode == LockMode::Exclusive,
                      .hostname = owner.hostname,
                      .username = owner.username,
                      .pid = ::getpid(),
                      .uid = ::getuid(),
                      .gid = ::getgid()};
  const Id id = TRY(files.save(FileType::Lock, encode(lock), stop).wrap("locking the repository"));
  auto held = std::make_unique<HeldLock>(Key{}, files, clock, lock, id, settle);
  // Who adds has enough to do until then: nothing is written before check().
  if (mode == LockMode::Exclusive || settle == Duration::zero()) TRY(held->settled(stop));
  return held;
}

HeldLock::HeldLock(
    Key, const Files& files, const Clock& clock, LockFile lock, const Id& id, Duration settle)
    : files_(files), clock_(clock), lock_(std::move(lock)), id_(id), refreshed_(lock_.time) {
  refresher_ =
      std::jthread([this, settle](const std::stop_token& stop) { keep_fresh(settle, stop); });
}

HeldLock::~HeldLock() {
  refresher_.request_stop();
  refresher_.join();
  const Lock lock(mu_);
  // Nobody could do anything about a failure here: the lock goes stale by itself.
  (void)files_.remove(FileType::Lock, id_, {});
}

void HeldLock::look_again(Duration settle, const std::stop_token& stop) {
  Id own;
  {
    const Lock lock(mu_);
    own = id_;
  }
  Status others = Error(Code::Canceled, "locking the repository was stopped");
  if (sleep_unless_stopped(settle, stop)) {
    others = check_others(files_, mode(), &own, clock_.now(), stop);
  }
  const Lock lock(mu_);
  others_ = std::move(others);
  looked_.notify_all();
}

void HeldLock::keep_fresh(Duration settle, const std::stop_token& stop) {
  look_again(settle, stop);
  while (sleep_unless_stopped(kRefreshInterval, stop)) {
    // A failure is tried again in five minutes; check() knows how long it has been.
    (void)refresh();
  }
}

Status HeldLock::refresh() {
  lock_.time = clock_.now();
  const Id fresh = TRY(files_.save(FileType::Lock, encode(lock_), {}));
  Id old;
  {
    const Lock lock(mu_);
    old = std::exchange(id_, fresh);
    refreshed_ = lock_.time;
  }
  return files_.remove(FileType::Lock, old, {});
}

Status HeldLock::settled(std::stop_token stop) const {
  Lock lock(mu_);
  const bool known =
      looked_.wait(mu_, Deadline::never(), std::move(stop),
                   [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return others_.has_value(); });
  if (!known) return Error(Code::Canceled, "locking the repository was stopped");
  return *others_;
}

Status HeldLock::check() const {
  TRY(settled({}));
  const Lock lock(mu_);
  if (clock_.now() - refreshed_ < kLostAfter) return {};
  return Error(Code::Conflict,
               "the lock on the repository could not be refreshed since {}: others may have taken "
               "it for stale",
               format_rfc3339(refreshed_))
      .with_hint("Run the command again. What is stored already is used again.");
}

}  // namespace lateen::repository::restic
