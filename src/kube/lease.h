// Leader election over a coordination.k8s.io Lease, as client-go does it: one of several processes
// leads, and stops leading before another can start.
//
//   LeaderElector elector(client, {.ns = "velero", .name = "lateen-server", .identity = pod_name},
//   log); return elector.run([&](std::stop_token leading) { return serve(leading); }, stop);
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"

namespace lateen::kube {

class Client;

struct LeaseOptions {
  std::string ns = {};
  std::string name = {};
  std::string identity = {};                // unique: pod name and uid
  std::chrono::seconds lease_duration{15};  // how long others wait after the last renewal
  std::chrono::seconds renew_deadline{10};  // how long a leader tries to renew before it steps down
  std::chrono::milliseconds retry_period{2000};
  // Whether a holder is known to have died: its lease is taken at once. Null: nobody is.
  std::function<bool(std::string_view holder)> is_dead = {};
  // Told of each renewal, with the time until which no other takes the lease.
  std::function<void(Deadline held_until)> renewed = {};
};

// Not thread-safe: one thread runs it.
class LeaderElector {
 public:
  // `client` must outlive it.
  LeaderElector(Client& client, LeaseOptions options, Log log);

  // Waits to lead, then calls `lead` on a thread of its own with a token that is stopped when
  // leadership is lost or `stop` comes. Renews until it has returned, and returns what it did;
  // Code::Unavailable when the lease was lost. The lease is released on the way out.
  Status run(const std::function<Status(std::stop_token)>& lead, std::stop_token stop);

  // One step: acquire or renew. True: we hold it.
  Result<bool> try_acquire_or_renew(std::stop_token stop);

  // Gives it up so that another may lead at once.
  Status release(std::stop_token stop);

  // Who holds it as far as we saw; empty: nobody.
  const std::string& holder() const { return holder_; }

 private:
  bool acquire(std::stop_token stop);
  Status lead_while_renewing(const std::function<Status(std::stop_token)>& lead,
                             std::stop_token stop);
  bool renew_until_deadline(std::stop_token stop);
  Json desired_spec(const Json* existing) const;
  void hold(Json lease, Deadline until);

  Client& client_;
  const LeaseOptions options_;
  const Log log_;
  const SystemClock clock_;
  std::string holder_;
  std::string observed_;  // the record as last seen
  std::chrono::steady_clock::time_point observed_at_{};
  std::optional<Json> lease_;
};

}  // namespace lateen::kube
