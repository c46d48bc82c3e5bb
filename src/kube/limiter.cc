#include "kube/limiter.h"

#include <algorithm>

namespace lateen::kube {
namespace {

using std::chrono::steady_clock;

// Latency this many times the best seen means that requests wait in the server, not that they are
// worked on.
constexpr double kLatencyTolerance = 3.0;

// Below this a latency says nothing of queues.
constexpr double kNoise = 0.020;

constexpr double kShrink = 0.5;  // at a 429: the server has refused work
constexpr double kEase = 0.8;    // as latency runs away: it begins to queue
constexpr double kAverageWeight = 0.2;

// Latency alone does not bring the limit below this. Writes wait for a disk where reads do not, and
// a server whose disk is slow answers no sooner when it is asked less: it then only commits fewer
// writes at a time. Only a refusal goes further, down to LimiterOptions::min.
constexpr double kCalm = 8;

// The best latency is forgotten slowly: a cluster that has become slower for good is not held to
// its youth.
constexpr double kBestDrift = 1.002;

double seconds_between(steady_clock::time_point from, steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

AdaptiveLimiter::AdaptiveLimiter(const LimiterOptions& options)
    : options_(options), limit_(static_cast<double>(options.initial)) {}

AdaptiveLimiter::Permit::Permit(AdaptiveLimiter* limiter)
    : limiter_(limiter), started_(monotonic_now()) {}

AdaptiveLimiter::Permit::Permit(Permit&& other) noexcept
    : limiter_(std::exchange(other.limiter_, nullptr)), started_(other.started_) {}

AdaptiveLimiter::Permit::~Permit() {
  finish(Outcome::Lost);
}

void AdaptiveLimiter::Permit::finish(Outcome outcome) {
  if (AdaptiveLimiter* limiter = std::exchange(limiter_, nullptr))
    limiter->release(outcome, started_);
}

Result<AdaptiveLimiter::Permit> AdaptiveLimiter::acquire(Deadline deadline, std::stop_token stop) {
  const Lock lock(mu_);
  const bool free = changed_.wait(mu_, deadline, stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return static_cast<double>(in_flight_ + 1) <= std::max(limit_, 1.0);
  });
  if (!free && stop.stop_requested()) {
    return Error(Code::Canceled, "stopped while waiting to ask the API server");
  }
  if (!free) {
    return Error(Code::DeadlineExceeded,
                 "waited too long for a place among {} requests to the API server", in_flight_)
        .with_retryable(true);
  }
  ++in_flight_;
  return Permit(this);
}

std::size_t AdaptiveLimiter::limit() const {
  const Lock lock(mu_);
  return static_cast<std::size_t>(std::max(limit_, 1.0));
}

void AdaptiveLimiter::release(Outcome outcome, steady_clock::time_point started) {
  const Lock lock(mu_);
  observe(outcome, started, monotonic_now());
  --in_flight_;
  changed_.notify_all();
}

void AdaptiveLimiter::observe(Outcome outcome,
                              steady_clock::time_point started,
                              steady_clock::time_point now) {
  if (outcome == Outcome::Lost) return;
  // What was sent before the last cut tells of the load before it.
  const bool after_cut = started >= shrunk_at_;
  if (outcome == Outcome::Throttled) {
    if (after_cut) {
      limit_ = std::max(static_cast<double>(options_.min), limit_ * kShrink);
      shrunk_at_ = now;
    }
    return;
  }
  const double latency = seconds_between(started, now);
  best_latency_ = best_latency_ == 0 ? latency : std::min(best_latency_ * kBestDrift, latency);
  recent_latency_ = recent_latency_ == 0
                        ? latency
                        : recent_latency_ + kAverageWeight * (latency - recent_latency_);
  const double bearable = std::max(best_latency_ * kLatencyTolerance, best_latency_ + kNoise);
  if (recent_latency_ > bearable && after_cut) {
    const double floor = std::max(static_cast<double>(options_.min), kCalm);
    if (limit_ > floor) limit_ = std::max(floor, limit_ * kEase);
    shrunk_at_ = now;
    recent_latency_ = 0;
    return;
  }
  // One more place for each round of the present limit, and only while the limit is what holds us
  // back.
  if (static_cast<double>(in_flight_) >= limit_ * 0.5) {
    limit_ = std::min(static_cast<double>(options_.max), limit_ + 1.0 / limit_);
  }
}

}  // namespace lateen::kube
