// One loop on one thread: woken by a change or by its period, it looks at everything that it is
// responsible for.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "base/thread.h"

namespace lateen::server {

// Thread-safe.
class Trigger {
 public:
  void fire();

  // Until it was fired since the last wait, the period is over, or the stop; false if stopped.
  bool wait(Duration period, std::stop_token stop);

 private:
  Mutex mu_;
  Condition fired_;
  bool pending_ LATEEN_GUARDED_BY(mu_) = false;
};

class Controller {
 public:
  Controller() = default;
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  virtual ~Controller() = default;

  // Velero's name for it: what --disable-controllers takes.
  virtual std::string_view name() const = 0;

  // How long it may sleep when nothing wakes it.
  virtual Duration period() const = 0;

  // Looks at all there is and does what is due. Must not throw away an error: it logs, or writes it
  // to a status.
  virtual void reconcile(std::stop_token stop) = 0;

  // Waits for what reconcile() has begun in threads of its own.
  virtual void wait() {}
};

// Runs it until told to stop, or to end: on `end` it begins no further round, and what it is at
// work on goes on until `stop`.
void run_controller(Controller& controller,
                    Trigger& trigger,
                    std::stop_token end,
                    std::stop_token stop);

}  // namespace lateen::server
