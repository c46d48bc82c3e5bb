// The end of a process whose lease has run out. A leader that was paused (SIGSTOP, a frozen
// machine, a starved node) does not know it, and would go on writing where another one leads by
// then; no check of its own can be close enough to the write. So the kernel ends it: a timer on the
// clock that also counts sleep kills the process at the lease's end, paused or not.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace lateen::server {

// Not thread-safe.
class LeaseWatchdog {
 public:
  static Result<std::unique_ptr<LeaseWatchdog>> create();

  class Private;
  explicit LeaseWatchdog(const Private& made);
  LeaseWatchdog(const LeaseWatchdog&) = delete;
  LeaseWatchdog& operator=(const LeaseWatchdog&) = delete;
  ~LeaseWatchdog();  // calls it off

  // SIGKILL comes then, unless this is called again before; never: it is called off.
  Status set(Deadline end);

 private:
  void* const timer_;  // the kernel's name for it
};

}  // namespace lateen::server
