// The faults that are asked for, and how often each has struck.
//
// Repeatable: whether the n-th thing that fits a fault is struck depends on n, the fault's name and
// its seed alone. What comes n-th is for those to say who send several requests at once.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread.h"
#include "sandbox/faults/fault.h"

namespace lateen::sandbox {

using FaultPtr = std::shared_ptr<const Fault>;

// One strike: the fault, and an even draw over [0, 1) that belongs to it (for jitter).
struct Strike {
  FaultPtr fault;
  double draw = 0;
};

// A fault and its history.
struct FaultRecord {
  FaultPtr fault;
  std::uint64_t matched = 0;
  std::uint64_t struck = 0;
};

// Thread-safe.
class FaultBook {
 public:
  explicit FaultBook(std::uint64_t seed = 1) : seed_(seed) {}

  // Under a name of its own if it has none. AlreadyExists when there is one of that name.
  Result<FaultPtr> add(Fault fault);

  std::vector<FaultRecord> list() const;

  // How many went: those of that name, or all for "". NotFound when nothing has that name.
  Result<std::size_t> clear(std::string_view name);

  // The cheap question before the others.
  bool empty() const { return size_.load(std::memory_order_relaxed) == 0; }

  // Counts the subject for each fault of these kinds that fits it, in the order in which they were
  // added, and answers those that strike. After one of `last` nothing further is asked.
  std::vector<Strike> strike_all(std::span<const FaultKind> kinds,
                                 std::span<const FaultKind> last,
                                 const FaultSubject& subject);

  // The first fault of that kind that strikes. With a `key`, the answer of the first time stays for
  // that key: a volume that hangs goes on hanging until the fault is cleared.
  std::optional<Strike> strike(FaultKind kind,
                               const FaultSubject& subject,
                               const std::string& key = {});

  // Called, outside of all locks, whenever one is added or cleared. One listener; none for null.
  void on_change(std::function<void()> listener);

 private:
  struct Entry {
    FaultRecord record;
    std::map<std::string, std::optional<double>> remembered = {};  // by key: the draw; none: spared
  };

  std::optional<double> decide(Entry& entry) LATEEN_REQUIRES(mu_);
  std::string fresh_name(FaultKind kind) LATEEN_REQUIRES(mu_);
  void tell();

  const std::uint64_t seed_;
  std::atomic<std::size_t> size_ = 0;
  mutable Mutex mu_;
  std::vector<Entry> entries_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t named_ LATEEN_GUARDED_BY(mu_) = 0;
  Mutex listener_mu_;  // held while the listener runs: after on_change(null) it runs no more
  std::function<void()> listener_ LATEEN_GUARDED_BY(listener_mu_);
};

}  // namespace lateen::sandbox
