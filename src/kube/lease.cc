#include "kube/lease.h"

#include <atomic>
#include <thread>

#include "base/time.h"
#include "kube/client.h"
#include "kube/object.h"

namespace lateen::kube {
namespace {

ObjectPath lease_path(const LeaseOptions& options) {
  return {.gvr = {.group = "coordination.k8s.io", .version = "v1", .resource = "leases"},
          .ns = options.ns,
          .name = options.name,
          .subresource = {}};
}

}  // namespace

LeaderElector::LeaderElector(Client& client, LeaseOptions options, Log log)
    : client_(client), options_(std::move(options)), log_(std::move(log)) {}

Json LeaderElector::desired_spec(const Json* existing) const {
  const std::string now = format_rfc3339_micro(clock_.now());
  const bool ours =
      existing != nullptr && string_at(*existing, "spec.holderIdentity") == options_.identity;
  std::int64_t transitions = 0;
  std::string acquired = now;
  if (existing != nullptr) {
    transitions = int_at(*existing, "spec.leaseTransitions").value_or(0);
    if (!ours) ++transitions;
    if (ours && !string_at(*existing, "spec.acquireTime").empty()) {
      acquired = string_at(*existing, "spec.acquireTime");
    }
  }
  JsonObject spec;
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = options_.lease_duration.count();
  spec["acquireTime"] = acquired;
  spec["renewTime"] = now;
  spec["leaseTransitions"] = transitions;
  return spec;
}

// Others count from when they see the renewal, which is after we asked for it.
void LeaderElector::hold(Json lease, Deadline until) {
  holder_ = options_.identity;
  lease_ = std::move(lease);
  if (options_.renewed) options_.renewed(until);
}

Result<bool> LeaderElector::try_acquire_or_renew(std::stop_token stop) {
  const ObjectPath path = lease_path(options_);
  const Deadline held_until = Deadline::after(options_.lease_duration);
  const Deadline deadline = Deadline::after(options_.renew_deadline);
  auto found = client_.get(path, {.deadline = deadline}, stop);
  if (!found && !found.error().is(Code::NotFound)) return std::move(found).error();
  if (!found) {
    JsonObject metadata;
    metadata["name"] = options_.name;
    metadata["namespace"] = options_.ns;
    JsonObject lease;
    lease["apiVersion"] = "coordination.k8s.io/v1";
    lease["kind"] = "Lease";
    lease["metadata"] = std::move(metadata);
    lease["spec"] = desired_spec(nullptr);
    auto created = client_.create(path, lease, {.deadline = deadline}, stop);
    if (!created && created.error().is(Code::AlreadyExists)) return false;  // another was quicker
    if (!created) return std::move(created).error();
    hold(*std::move(created), held_until);
    return true;
  }
  // The holder's clock is not ours: what counts is how long we have seen no change.
  const Json* spec = find(*found, "spec");
  const std::string record = spec == nullptr ? std::string("null") : write_json(*spec);
  if (record != observed_) {
    observed_ = record;
    observed_at_ = monotonic_now();
  }
  holder_ = string_at(*found, "spec.holderIdentity");
  const auto held_for = std::chrono::seconds(
      int_at(*found, "spec.leaseDurationSeconds").value_or(options_.lease_duration.count()));
  const bool expired =
      monotonic_now() - observed_at_ >= held_for || (options_.is_dead && options_.is_dead(holder_));
  if (!holder_.empty() && holder_ != options_.identity && !expired) return false;
  Json wanted = *found;
  ensure(wanted, "spec") = desired_spec(&*found);
  auto updated = client_.update(path, wanted, {.deadline = deadline}, stop);
  if (!updated && updated.error().is(Code::Conflict)) return false;
  if (!updated) return std::move(updated).error();
  hold(*std::move(updated), held_until);
  return true;
}

Status LeaderElector::release(std::stop_token stop) {
  if (!lease_ || holder_ != options_.identity) return {};
  Json freed = *std::move(lease_);
  lease_.reset();
  holder_.clear();
  const ObjectPath path = lease_path(options_);
  const Deadline deadline = Deadline::after(options_.renew_deadline);
  while (true) {
    JsonObject& spec = ensure(freed, "spec").as_object();
    spec["holderIdentity"] = "";
    spec["leaseDurationSeconds"] = 1;
    spec["renewTime"] = format_rfc3339_micro(clock_.now());
    const auto updated = client_.update(path, freed, {.deadline = deadline}, stop);
    if (updated || updated.error().is(Code::NotFound)) return {};
    if (!updated.error().is(Code::Conflict) || deadline.expired())
      return Error(updated.error()).wrap("releasing the lease {}/{}", options_.ns, options_.name);
    // Of a renewal that was cut short nobody knows whether it came through: then it is ours still.
    auto now = client_.get(path, {.deadline = deadline}, stop);
    if (!now && now.error().is(Code::NotFound)) return {};
    if (!now)
      return Error(now.error()).wrap("releasing the lease {}/{}", options_.ns, options_.name);
    // Somebody else holds it by now: all the better.
    if (string_at(*now, "spec.holderIdentity") != options_.identity) return {};
    freed = *std::move(now);
  }
}

bool LeaderElector::acquire(std::stop_token stop) {
  std::string waiting_for;
  while (!stop.stop_requested()) {
    auto leads = try_acquire_or_renew(stop);
    if (leads && *leads) return true;
    if (!leads && !stop.stop_requested()) {
      log_.warning("Cannot ask for the lease, trying again",
                   {{"lease", options_.name}, {"error", leads.error()}});
    } else if (leads && holder_ != waiting_for) {
      waiting_for = holder_;
      log_.info("Waiting to lead", {{"lease", options_.name}, {"holder", holder_}});
    }
    sleep_unless_stopped(options_.retry_period, stop);
  }
  return false;
}

bool LeaderElector::renew_until_deadline(std::stop_token stop) {
  const Deadline deadline = Deadline::after(options_.renew_deadline);
  while (!deadline.expired() && !stop.stop_requested()) {
    auto leads = try_acquire_or_renew(stop);
    if (leads && *leads) return true;
    // Somebody else leads: there is nothing to try again.
    if (leads && holder_ != options_.identity) return false;
    sleep_unless_stopped(std::min<Duration>(options_.retry_period, deadline.remaining()), stop);
  }
  return false;
}

Status LeaderElector::lead_while_renewing(const std::function<Status(std::stop_token)>& lead,
                                          std::stop_token stop) {
  std::stop_source finished;  // `lead` has returned
  std::optional<Status> outcome;
  bool lost = false;
  {
    std::jthread leading([&](std::stop_token own) {
      outcome = lead(own);
      finished.request_stop();
    });
    const std::stop_callback on_stop(stop, [&] { leading.request_stop(); });
    while (sleep_unless_stopped(options_.retry_period, finished.get_token())) {
      if (renew_until_deadline(finished.get_token())) continue;
      lost = !finished.stop_requested();
      break;
    }
    leading.request_stop();
  }
  if (lost) {
    lease_.reset();
    return Error(Code::Unavailable, "the lease {}/{} was lost: another process may lead now",
                 options_.ns, options_.name)
        .with_retryable(true);
  }
  return outcome ? *std::move(outcome) : Status();
}

Status LeaderElector::run(const std::function<Status(std::stop_token)>& lead,
                          std::stop_token stop) {
  if (!acquire(stop)) return Error(Code::Canceled, "stopped while waiting to lead");
  log_.info("Leading", {{"lease", options_.name}, {"identity", options_.identity}});
  Status led = lead_while_renewing(lead, stop);
  // Even if `stop` has come: the next leader must not wait for the lease to run out.
  if (auto released = release({}); !released) {
    log_.warning("Could not release the lease",
                 {{"lease", options_.name}, {"error", released.error()}});
  }
  return led;
}

}  // namespace lateen::kube
