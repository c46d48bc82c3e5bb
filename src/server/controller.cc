#include "server/controller.h"

namespace lateen::server {

void Trigger::fire() {
  const Lock lock(mu_);
  pending_ = true;
  fired_.notify_all();
}

bool Trigger::wait(Duration period, std::stop_token stop) {
  const Lock lock(mu_);
  const Deadline deadline = Deadline::after(period);
  fired_.wait(mu_, deadline, stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return pending_; });
  pending_ = false;
  return !stop.stop_requested();
}

void run_controller(Controller& controller,
                    Trigger& trigger,
                    std::stop_token end,
                    std::stop_token stop) {
  do {
    controller.reconcile(stop);
  } while (trigger.wait(controller.period(), end));
  controller.wait();
}

}  // namespace lateen::server
