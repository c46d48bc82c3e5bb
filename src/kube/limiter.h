// How many requests may be in flight: found from the API server's own answers, not from a fixed
// QPS. Additive increase while latency holds, halving (at most once a round trip) at a 429 or when
// latency runs away from its best.
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen::kube {

struct LimiterOptions {
  std::size_t initial = 16;
  std::size_t min = 2;
  std::size_t max = 256;
};

// Thread-safe.
class AdaptiveLimiter {
 public:
  explicit AdaptiveLimiter(const LimiterOptions& options);

  // How a request ended, as far as the limit goes.
  enum class Outcome {
    Answered,   // by the server, well or badly
    Throttled,  // 429, or 503 with Retry-After
    Lost,       // no answer: says nothing of the server's load
  };

  // One request's place; gives it back when destroyed (as Lost unless told otherwise).
  class Permit {
   public:
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&&) = delete;
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    ~Permit();

    void finish(Outcome outcome);

   private:
    friend class AdaptiveLimiter;
    explicit Permit(AdaptiveLimiter* limiter);

    AdaptiveLimiter* limiter_;
    std::chrono::steady_clock::time_point started_;
  };

  // Waits for a place. DeadlineExceeded or Canceled.
  Result<Permit> acquire(Deadline deadline, std::stop_token stop);

  // The current limit: how many threads are worth starting.
  std::size_t limit() const;

 private:
  void release(Outcome outcome, std::chrono::steady_clock::time_point started);
  void observe(Outcome outcome,
               std::chrono::steady_clock::time_point started,
               std::chrono::steady_clock::time_point now) LATEEN_REQUIRES(mu_);

  const LimiterOptions options_;
  mutable Mutex mu_;
  Condition changed_;
  double limit_ LATEEN_GUARDED_BY(mu_);
  std::size_t in_flight_ LATEEN_GUARDED_BY(mu_) = 0;
  double best_latency_ LATEEN_GUARDED_BY(mu_) =
      0;  // seconds, drifting upwards slowly; 0 = none yet
  double recent_latency_ LATEEN_GUARDED_BY(mu_) = 0;  // seconds, moving average
  std::chrono::steady_clock::time_point shrunk_at_ LATEEN_GUARDED_BY(mu_){};
};

}  // namespace lateen::kube
