#include "server/leadership.h"

#include "base/process_identity.h"
#include "kube/lease.h"
#include "server/lease_watchdog.h"

namespace lateen::server {

using std::chrono::milliseconds;

Status run_as_leader(const ServerContext& context,
                     const std::function<Status(std::stop_token)>& lead,
                     std::stop_token stop) {
  if (!context.config.leader_elect) return lead(std::move(stop));
  const auto watchdog =
      TRY(LeaseWatchdog::create().wrap("see --leader-elect, which may be false for a lone server"));
  const std::chrono::seconds duration =
      std::chrono::duration_cast<std::chrono::seconds>(context.config.lease_duration);
  const Log log = context.log;
  const std::string identity = TRY(process_identity());
  kube::LeaderElector elector(
      context.client(),
      {.ns = context.cluster.ns(),
       .name = kServerLease,
       .identity = identity,
       .lease_duration = duration,
       .renew_deadline = duration * 2 / 3,
       .retry_period = milliseconds(duration) * 2 / 15,
       .is_dead = [](std::string_view holder) { return is_known_dead(holder); },
       .renewed =
           [&watchdog, log](Deadline end) {
             const Status set = watchdog->set(end);
             if (!set) log.error("Could not set the leader's watchdog", {{"error", set.error()}});
           }},
      log);
  const Status led = elector.run(lead, stop);
  TRY(watchdog->set(Deadline::never()));
  // Told to stop while it waited, it has nothing to end.
  if (!led && stop.stop_requested() && led.error().is(Code::Canceled)) return {};
  return led;
}

}  // namespace lateen::server
